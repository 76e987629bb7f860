#!/bin/bash
# Unpacks Debian's packages of Tests/Userland/packages, or of the list PACKAGES, into a folder that guests see as their root.
#
#   fetch-sysroot.sh small|large FOLDER [ARCHITECTURE]
#
# Downloads are kept in FOLDER.packages; apt checks the archive's signature and the hash of every package, and the hashes of what was
# unpacked lie in FOLDER/.packages. Nothing to do when FOLDER holds the wanted set. arm64 unless an architecture is given; that of
# the host shows what the same programs print natively (Tests/Userland/run.sh --native).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
fail() {
    echo "needletail: cannot make the test userland: $1" >&2
    exit 1
}
list=${PACKAGES:-$here/packages}
[ $# -ge 2 ] || fail "usage: fetch-sysroot.sh small|large FOLDER [ARCHITECTURE]"
case $1 in
    small) names=$(sed -n 's/^small //p' "$list" | tr '\n' ' ') ;;
    large) names=$(sed -n 's/^[a-z]* //p' "$list" | tr '\n' ' ') ;;
    *) fail "no set '$1'" ;;
esac
stamp="$1 ${3:-arm64} $(cat "$list" "$0" | sha256sum | cut -c1-16)"
present=$(head -n 1 "$2/.packages" 2>/dev/null || true)
# The large set serves for the small one.
if [ "$present" = "$stamp" ] || [ "$present" = "large ${stamp#small }" ]; then exit 0; fi

. "$here/../Programs/private-apt.sh"
private_apt_begin "${3:-arm64}" bookworm
mkdir -p "$2.packages"
packages=$(cd "$2.packages" && pwd)
private_apt_fetch "$packages" "$names"

rm -rf "$2" "$2.new"
mkdir -p "$2.new"/{usr/bin,usr/sbin,usr/lib,etc,proc,sys,dev,run,tmp,root}
root=$(cd "$2.new" && pwd)
for name in bin sbin lib; do ln -s "usr/$name" "$root/$name"; done
{
    echo "$stamp"
    cd "$packages"
    while read -r package; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$root" >&2 || fail "$package does not unpack"
        sha256sum "$package"
    done <"$work/wanted"
} >"$work/packages"

# What the packages' own scripts would have done, as far as the programs need it.
link() { # target name
    [ -e "$root/usr/bin/$1" ] && [ ! -e "$root/usr/bin/$2" ] && ln -sf "$1" "$root/usr/bin/$2"
    return 0
}
link dash sh
link gawk awk
link gcc cc
link g++ c++
link lua5.4 lua
link python3 python
for tool in "$root"/usr/lib/jvm/java-17-openjdk-*/bin/*; do
    [ -e "$tool" ] && ln -sf "..${tool#"$root/usr"}" "$root/usr/bin/$(basename "$tool")"
done
echo 'root:x:0:0:root:/root:/bin/bash' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
echo '127.0.0.1 localhost' >"$root/etc/hosts"
chmod 1777 "$root/tmp"
# A link to an absolute path would lead out of the folder.
find "$root" -type l -lname '/*' | while read -r name; do
    ln -snf "$(realpath -ms --relative-to="$(dirname "$name")" "$root$(readlink "$name")")" "$name"
done
mv "$work/packages" "$root/.packages"
mv "$root" "${root%.new}"
