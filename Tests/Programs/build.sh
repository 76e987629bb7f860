#!/bin/sh
# Builds the guest programs beside this script into the folder $1: each source as name.O0 (LL/SC atomics), name.O2 (LSE atomics,
# signed return addresses) and name.pie (-static-pie, atomics chosen at run time), some
# also as name.host for this machine. Needs Debian's gcc-aarch64-linux-gnu; quick when nothing changed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out"
gcc=aarch64-linux-gnu-gcc
command -v "$gcc" >/dev/null 2>&1 || { echo "needletail: no $gcc to build guests with; run .ci/setup test" >&2; exit 1; }

# One line per program that is missing or older than its sources: target, source, options.
for source in "$here"/*.c; do
    name=$(basename "$source" .c)
    for variant in O0 O2 pie; do
        target=$out/$name.$variant
        [ "$target" -nt "$source" ] && [ "$target" -nt "$here/check.h" ] && [ "$target" -nt "$here/handle.h" ] && [ "$target" -nt "$here/build.sh" ] && continue
        case $variant in
            O0) options="-static -O0 -march=armv8-a -mno-outline-atomics" ;;
            O2) options="-static -O2 -march=armv8.1-a -mbranch-protection=standard" ;;
            pie) options="-static-pie -O2 -march=armv8-a -moutline-atomics" ;;
        esac
        echo "$target $source $options"
    done
    # The kernel's own answers, for programs that say they want them.
    grep -q "built for the host" "$source" || continue
    target=$out/$name.host
    [ "$target" -nt "$source" ] && [ "$target" -nt "$here/check.h" ] && [ "$target" -nt "$here/handle.h" ] && [ "$target" -nt "$here/build.sh" ] && continue
    echo "$target $source -O2"
done | xargs -r -P 2 -L 1 sh -c '
    target=$0 source=$1
    shift
    case $target in
        *.host) compiler=gcc ;;
        *) compiler=aarch64-linux-gnu-gcc ;;
    esac
    $compiler -Wall -Wextra -Wno-unused-result -Wno-infinite-recursion -Wno-stringop-overflow "$@" -pthread "$source" -lm -o "$target.$$"
    mv "$target.$$" "$target"
'
