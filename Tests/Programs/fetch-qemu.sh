#!/bin/sh
# Puts a qemu-aarch64 of version 10 or newer into the folder $1: the oracle of the instruction tests. The machine's own is linked
# to when it is new enough, otherwise Debian 13's static one is unpacked. Nothing to do when it is there.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
[ -x "$out/qemu-aarch64" ] && exit 0
fail() {
    echo "needletail: cannot fetch a qemu-aarch64 of version 10: $1; put one at $out/qemu-aarch64" >&2
    exit 1
}
if command -v qemu-aarch64 >/dev/null 2>&1; then
    major=$(qemu-aarch64 --version | sed -n 's/^qemu-aarch64 version \([0-9]*\).*/\1/p')
    if [ "${major:-0}" -ge 10 ]; then
        ln -s "$(command -v qemu-aarch64)" "$out/qemu-aarch64"
        exit 0
    fi
fi
. "$(dirname "$0")/private-apt.sh"
private_apt_begin "$(dpkg --print-architecture)" trixie
(cd "$work" && private_apt_quiet download qemu-user)
dpkg-deb --fsys-tarfile "$work"/qemu-user_*.deb | tar -x -C "$work" ./usr/bin/qemu-aarch64 || fail "dpkg-deb failed"
"$work/usr/bin/qemu-aarch64" --version >/dev/null || fail "it does not run here"
mv "$work/usr/bin/qemu-aarch64" "$out/qemu-aarch64"
