#!/bin/sh
# Builds the benchmarks' guests into the folder $1, statically linked against Debian's arm64 C library, and the same sources for this
# machine into $1/native. A source may name more compiler options in a line `// flags: ...`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/native"
build() { # prefix of the compilers, folder
    for source in "$here"/*.c "$here"/*.cpp; do
        name=$(basename "$source")
        target=$2/${name%.*}
        [ "$target" -nt "$source" ] && [ "$target" -nt "$0" ] && continue
        compiler=$1gcc
        [ "${name##*.}" = c ] || compiler=$1g++
        # shellcheck disable=SC2046
        "$compiler" -O2 -Wall -Wextra $(sed -n 's/^\/\/ flags: //p' "$source") -static -pthread \
            "$source" -lm -o "$target"
    done
}
build aarch64-linux-gnu- "$1"
build "" "$1/native"
