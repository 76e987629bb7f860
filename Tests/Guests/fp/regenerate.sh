#!/bin/sh
# Writes `expected`, here and in ../fpvector and ../fphalf, from what the QEMU 10 that
# .ci/setup test fetches prints for the guests that ../build.sh builds into $1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/../build.sh" "$1"
for guest in fp fpvector fphalf; do "$1/programs/qemu-aarch64" "$1/$guest" >"$here/../$guest/expected"; done
