#!/bin/sh
# Puts a qemu-aarch64 of version 10 or newer into the folder $1: the oracle of the instruction tests. The machine's own is linked
# to when it is new enough, otherwise Debian 13's static one is unpacked. Nothing to do when it is there.
# apt works on a configuration of its own, so that the machine's package lists stay as they are; apt checks the signature and hash.
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
command -v apt-get >/dev/null 2>&1 || fail "no apt-get"
architecture=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/sources.d"
: >"$work/status"
# Where the machine's own Debian comes from, without the security archive.
archive=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -n -e 's/^URIs:[[:space:]]*//p' -e 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}//p' |
    awk '$1 ~ /\/debian\/?([0-9TZ]*\/?)$/ { print $1; exit }')
[ -n "$archive" ] || fail "no Debian source in /etc/apt"
cat >"$work/sources.d/trixie.sources" <<END
Types: deb
URIs: $archive
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
apt_get() {
    apt-get -q -o APT::Architecture="$architecture" -o APT::Architectures::="$architecture" -o Dir::State="$work" \
        -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
        -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/sources.d" -o Acquire::Languages=none \
        -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User= -o Debug::NoLocking=1 "$@"
}
apt_get update >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "apt-get update failed"; }
(cd "$work" && apt_get download qemu-user >"$work/log" 2>&1) || { cat "$work/log" >&2; fail "apt-get download failed"; }
dpkg-deb --fsys-tarfile "$work"/qemu-user_*.deb | tar -x -C "$work" ./usr/bin/qemu-aarch64 || fail "dpkg-deb failed"
"$work/usr/bin/qemu-aarch64" --version >/dev/null || fail "it does not run here"
mv "$work/usr/bin/qemu-aarch64" "$out/qemu-aarch64"
