#!/bin/sh
# Builds the counting plugin into the folder $1, for Needletail and QEMU from 9.2 on (with the header in the folder $2)
# and for Debian 12's QEMU.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
build() { # API, output, options
    [ "$2" -nt "$here/count.c" ] || gcc -O2 -Wall -Wextra -shared -fPIC -fvisibility=hidden -DAPI="$1" $3 "$here/count.c" -o "$2"
}
build 1 "$1/count-api1.so" ""
build 4 "$1/count.so" "-I$2"
