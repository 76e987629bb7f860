#!/bin/sh
# Builds the torture programs beside this script into the folder $1, each in the variants that follow as OPTIMISATION.ARCHITECTURE: O0 to
# O3 and Os; "base" (Armv8.0, LL/SC atomics), "lse" (Armv8.6, cryptography), "full" (also half precision, pointer signing and BTI) and
# "host" (this machine's own compiler: the programs are portable). Needs Debian's gcc-aarch64-linux-gnu; quick when nothing changed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
command -v aarch64-linux-gnu-gcc >/dev/null 2>&1 || { echo "needletail: no aarch64-linux-gnu-gcc to build guests with; run .ci/setup test" >&2; exit 1; }

for source in "$here"/*.c; do
    name=$(basename "$source" .c)
    for variant in "$@"; do
        target=$out/$name.$variant
        [ "$target" -nt "$source" ] && [ "$target" -nt "$here/torture.h" ] && [ "$target" -nt "$here/build.sh" ] && continue
        compiler=aarch64-linux-gnu-gcc
        case ${variant#*.} in
            base) options="-static -march=armv8-a -mno-outline-atomics" ;;
            lse) options="-static -march=armv8.6-a+crypto+sha3+sm4" ;;
            full) options="-static -march=armv8.6-a+crypto+sha3+sm4+fp16+fp16fml -mbranch-protection=standard" ;;
            host) compiler=cc; options= ;;
            *) echo "needletail: no such variant: $variant" >&2; exit 1 ;;
        esac
        echo "$compiler $target $source -${variant%%.*}${options:+ $options}"
    done
done | xargs -r -P 2 -L 1 sh -c '
    compiler=$0 target=$1 source=$2
    shift 2
    $compiler -w "$@" -ffp-contract=off -fwrapv -fno-strict-aliasing -frounding-math -pthread "$source" -lm -o "$target.$$"
    mv "$target.$$" "$target"
'
