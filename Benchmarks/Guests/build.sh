#!/bin/sh
# Builds the benchmarks' C guests, statically linked against Debian's arm64 C library, into the folder $1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
for source in "$here"/*.c; do
    target=$1/$(basename "$source" .c)
    [ "$target" -nt "$source" ] || aarch64-linux-gnu-gcc -O2 -Wall -Wextra -fno-builtin-strlen -fno-builtin-memcpy -static -pthread "$source" -lm -o "$target"
done
