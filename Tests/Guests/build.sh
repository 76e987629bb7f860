#!/bin/sh
# Builds the guest programs into the folder $1. Freestanding ones (a folder with main.c or main.S) need only the Swift toolchain's
# clang and lld; those under libc/ need Debian's gcc-aarch64-linux-gnu and are left out when it is missing and $2 is not "all".
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out"
# The toolchain of the `swift` on PATH: its clang knows AArch64, and lld lies beside it.
tools=$(dirname "$(readlink -f "$(command -v swift)")")
clang=$tools/clang
[ -x "$clang" ] || clang=clang
command -v "$clang" >/dev/null 2>&1 || { echo "needletail: no clang beside swift to build guests with" >&2; exit 1; }

newer() { # output, sources...
    target=$1
    shift
    [ -e "$target" ] || return 0
    for source in "$@"; do [ "$source" -nt "$target" ] && return 0; done
    return 1
}

for main in "$here"/*/main.[cS]; do
    name=$(basename "$(dirname "$main")")
    case $name in include) continue ;; esac
    target=$out/$name
    if newer "$target" "$here/$name"/*.[cSh] "$here"/include/*; then
        start=$here/include/start.c
        grep -q '^_start:' "$main" && start=
        # shellcheck disable=SC2086
        "$clang" --target=aarch64-linux-gnu -fuse-ld=lld -nostdlib -static -ffreestanding -O2 -march=armv8.2-a+nofp \
            -mgeneral-regs-only -I"$here/include" $start "$main" -o "$target.new"
        mv "$target.new" "$target"
    fi
done
