# Sourced by scripts that fetch Debian packages of other architectures or releases. apt works on a configuration of its own in $work,
# so that the machine's package lists stay as they are; it checks the archive's signature and each package's hash.
#
#   private_apt_begin ARCHITECTURE SUITE   makes $work and reads the package lists
#   private_apt COMMAND...                 apt-get on them
#   private_apt_fetch FOLDER "NAME..."     brings packages and all they depend on into a folder; their file names are then in $work/wanted
#
# The caller defines `fail MESSAGE`.

private_apt_begin() {
    command -v apt-get >/dev/null 2>&1 || fail "no apt-get"
    architecture=$1
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/sources.d"
    : >"$work/status"
    # Where the machine's own Debian comes from, without the security archive.
    archive=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
        sed -n -e 's/^URIs:[[:space:]]*//p' -e 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}//p' |
        awk '$1 ~ /\/debian\/?([0-9TZ]*\/?)$/ && !n++')
    [ -n "$archive" ] || fail "no Debian source in /etc/apt"
    cat >"$work/sources.d/$2.sources" <<END
Types: deb
URIs: $archive
Suites: $2
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
    private_apt_quiet update
}

private_apt() {
    apt-get -q -o APT::Architecture="$architecture" -o APT::Architectures::="$architecture" -o Dir::State="$work" \
        -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
        -o Dir::Cache::Archives="${private_apt_archives:-$work/cache/archives}" \
        -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/sources.d" -o Acquire::Languages=none \
        -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User= -o Debug::NoLocking=1 "$@"
}

private_apt_quiet() {
    private_apt "$@" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "apt-get $1 failed"
    }
}

private_apt_fetch() {
    # Asked with an empty cache: apt lists only what it would have to fetch.
    private_apt install --print-uris --no-install-recommends -y $2 >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "apt-get found no way to install the packages"
    }
    sed -n "s/^'[^ ]*' \([^ ]*\.deb\) .*/\1/p" "$work/log" | sort >"$work/wanted"
    private_apt_archives=$1
    mkdir -p "$private_apt_archives/partial"
    private_apt_quiet install --download-only --no-install-recommends -y $2
}
