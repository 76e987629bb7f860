#!/bin/sh
# Writes `expected`, here and in ../fpvector and ../fphalf, from what qemu-aarch64 (on PATH) prints for the guests built by ../build.sh into $1.
# fphalf wants QEMU 10: 7.2 leaves bits above the result of FCVTZS Hd, Hn, #fbits.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/../build.sh" "$1"
for guest in fp fpvector fphalf; do qemu-aarch64 "$1/$guest" >"$here/../$guest/expected"; done
