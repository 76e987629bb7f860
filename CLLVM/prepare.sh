#!/bin/sh
# Points the CLLVM target at an installed LLVM: header links and the static-library artifact bundle (SE-0482), whose archive is
# a linker script naming LLVM's own archives. Both are git-ignored; run again whenever LLVM_CONFIG changes.
#
# LLVM's static constructors take a third of the time from exec to exit of a program that does nothing, and most guests that need no
# LLVM are of that kind. So archives that have some are copied, with constructors in a section that start.cpp runs on first use.
set -eu
cd "$(dirname "$0")"
config=${LLVM_CONFIG:-llvm-config-22}
command -v "$config" >/dev/null 2>&1 || { echo "needletail: $config not found: run 'make setup', or name one with LLVM_CONFIG=" >&2; exit 1; }
stamp="$config $("$config" --version) $(uname -m), constructors on first use, static libraries, assembler"
[ -e include/llvm ] && [ -e include/llvm-c ] && [ -f LLVMStatic.artifactbundle/stamp ] && [ "$(cat LLVMStatic.artifactbundle/stamp)" = "$stamp" ] && exit 0
include=$("$config" --includedir)
rm -rf include/llvm include/llvm-c LLVMStatic.artifactbundle
ln -s "$include/llvm" include/llvm
ln -s "$include/llvm-c" include/llvm-c
machine=$(uname -m)
case $machine in
    x86_64) codegen=x86codegen ;;
    aarch64) codegen=aarch64codegen ;;
    *) echo "needletail: no LLVM code generator chosen for $machine hosts" >&2; exit 1 ;;
esac
archives=$("$config" --link-static --libfiles "$codegen" aarch64disassembler "${codegen%codegen}disassembler" "${codegen%codegen}asmparser" orcjit passes)
bundle=LLVMStatic.artifactbundle
variant=llvm-$machine-unknown-linux-gnu
mkdir -p "$bundle/$variant/include"
copies=$PWD/$bundle/$variant/lazy
mkdir -p "$copies"
inputs=
for archive in $archives; do
    copy=$copies/$(basename "$archive")
    # GNU's: LLVM's keeps the section's type, and by that the linker finds constructors. Without it they run at the start.
    if grep -qa '\.init_array' "$archive" && command -v objcopy >/dev/null 2>&1 &&
        objcopy --rename-section .init_array=nt_llvm_init,alloc,load,data,contents "$archive" "$copy"; then
        archive=$copy
    fi
    inputs="$inputs $archive"
done
echo "GROUP($inputs )" >"$bundle/$variant/libLLVMStatic.a"
# Linked statically, because loading the shared ones costs a seventh of a short run; LLVM alone uses them.
mkdir "$bundle/static"
for library in libstdc++.a libz.a libzstd.a; do
    for compiler in clang c++; do
        path=$("$compiler" -print-file-name=$library 2>/dev/null) || continue
        [ -f "$path" ] && ln -sf "$path" "$bundle/static/$library" && break
    done
done
printf '// Headers are in the CLLVM target.\n' >"$bundle/$variant/include/llvm_static.h"
printf 'module LLVMStatic { header "llvm_static.h" export * }\n' >"$bundle/$variant/include/module.modulemap"
cat >"$bundle/info.json" <<JSON
{
  "schemaVersion": "1.0",
  "artifacts": {
    "LLVMStatic": {
      "type": "staticLibrary",
      "version": "22.0.0",
      "variants": [
        {
          "path": "$variant/libLLVMStatic.a",
          "supportedTriples": ["$machine-unknown-linux-gnu"],
          "staticLibraryMetadata": {
            "headerPaths": ["$variant/include"],
            "moduleMapPath": "$variant/include/module.modulemap"
          }
        }
      ]
    }
  }
}
JSON
echo "$stamp" >"$bundle/stamp"
