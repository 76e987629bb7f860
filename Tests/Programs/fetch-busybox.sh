#!/bin/sh
# Puts Debian's arm64 busybox-static into the folder $1 as `busybox`. Nothing to do when it is there.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
[ -x "$out/busybox" ] && exit 0
fail() {
    echo "needletail: cannot fetch busybox-static for arm64: $1; put one at $out/busybox" >&2
    exit 1
}
. "$(dirname "$0")/private-apt.sh"
private_apt_begin arm64 bookworm
(cd "$work" && private_apt_quiet download busybox-static)
dpkg-deb -x "$work"/busybox-static_*.deb "$work/tree" || fail "dpkg-deb failed"
for busybox in "$work/tree/usr/bin/busybox" "$work/tree/bin/busybox"; do
    [ -x "$busybox" ] || continue
    cp "$busybox" "$out/busybox.new"
    mv "$out/busybox.new" "$out/busybox"
    exit 0
done
fail "the package has no busybox"
