#!/bin/sh
# Writes `expected` from what qemu-aarch64 (on PATH) prints for the guest built by ../build.sh into $1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/../build.sh" "$1"
qemu-aarch64 "$1/simd" >"$here/expected"
