#!/bin/sh
# Builds the litmus tests as $1/litmus; quick when nothing changed. Needs Debian's gcc-aarch64-linux-gnu.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1/litmus
mkdir -p "$1"
if [ "$target" -nt "$here/litmus.c" ] && [ "$target" -nt "$here/tests.h" ] && [ "$target" -nt "$here/build.sh" ]; then exit 0; fi
aarch64-linux-gnu-gcc -static -O2 -march=armv8.3-a -Wall -Wextra -pthread "$here/litmus.c" -o "$target.$$"
mv "$target.$$" "$target"
