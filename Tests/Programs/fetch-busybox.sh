#!/bin/sh
# Puts Debian's arm64 busybox-static into the folder $1 as `busybox`. Nothing to do when it is there.
# apt works on a configuration of its own, so that the machine's package lists stay as they are; the sources and keys are the machine's.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
[ -x "$out/busybox" ] && exit 0
fail() {
    echo "needletail: cannot fetch busybox-static for arm64: $1" >&2
    exit 1
}
command -v apt-get >/dev/null 2>&1 || fail "no apt-get; put an arm64 busybox at $out/busybox"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/sources.d"
: >"$work/status"
# Only Debian's own sources: others may have no arm64 index. Architecture restrictions there would hide arm64.
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    case $file in
        *.list | *.sources) ;;
        *) continue ;;
    esac
    [ -r "$file" ] && grep -q '/debian' "$file" && grep -qw main "$file" || continue
    # In one-line files [arch=... ] is an option among others, in deb822 files a field.
    sed -e 's/arch[+-]*=[^] ]*//' -e 's/^\(deb[^[]*\)\[ *\]/\1/' -e '/^Architectures:/d' "$file" >"$work/sources.d/$(basename "$file")"
done
[ -n "$(ls "$work/sources.d")" ] || fail "no Debian source in /etc/apt"
apt_get() {
    apt-get -q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State="$work" -o Dir::State::Lists="$work/lists" \
        -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o Dir::Etc::SourceList=/dev/null \
        -o Dir::Etc::SourceParts="$work/sources.d" -o Acquire::Languages=none -o APT::Sandbox::User= -o Debug::NoLocking=1 "$@"
}
apt_get update >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "apt-get update failed"; }
(cd "$work" && apt_get download busybox-static >"$work/log" 2>&1) || { cat "$work/log" >&2; fail "apt-get download failed"; }
dpkg-deb -x "$work"/busybox-static_*.deb "$work/tree" || fail "dpkg-deb failed"
for busybox in "$work/tree/usr/bin/busybox" "$work/tree/bin/busybox"; do
    [ -x "$busybox" ] || continue
    cp "$busybox" "$out/busybox.new"
    mv "$out/busybox.new" "$out/busybox"
    exit 0
done
fail "the package has no busybox"
