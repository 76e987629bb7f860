#!/bin/bash
# Runs the programs of Tests/Userland/programs under needletail and compares what they print with what the same Debian packages print
# on their own processor. Prints a table; exit status 1 when a program failed.
#
#   run.sh [--set small|large] [--only NAME,NAME] [--tier TIER] [--keep]
#   run.sh --record [--only ...]    writes the .expected files, from a userland of the host's architecture in a chroot (as root)
#
# Environment: NEEDLETAIL (the executable), SYSROOT (what fetch-sysroot.sh made). Each program is a bash script which runs as a guest
# in an empty folder of its own, and so does everything it starts. Its second line says its set, its third the seconds it may take.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
fail() {
    echo "needletail: $1" >&2
    exit 2
}
set=small only="" tier="" record="" keep=""
while [ $# -gt 0 ]; do
    case $1 in
        --set) set=$2; shift 2 ;;
        --only) only=$2; shift 2 ;;
        --tier) tier=$2; shift 2 ;;
        --record) record=1; set=large; shift ;;
        --keep) keep=1; shift ;;
        *) fail "run.sh knows no option '$1'" ;;
    esac
done
[ "$set" = small ] || [ "$set" = large ] || fail "no set '$set'; there are small and large"
: "${SYSROOT:?the folder that Tests/Userland/fetch-sysroot.sh made}"
root=$(cd "$SYSROOT" && pwd) || fail "no folder $SYSROOT"
if [ -z "$record" ]; then
    : "${NEEDLETAIL:?the path of the executable}"
    [ -x "$NEEDLETAIL" ] || fail "cannot run $NEEDLETAIL: make build"
    emulator=$(realpath "$NEEDLETAIL")
fi

base=${TMPDIR:-/tmp}
[ -z "$record" ] || base=$root/tmp
work=$(mktemp -d "$base/userland.XXXXXX")
[ -n "$keep" ] && echo "folders in $work" || trap 'rm -rf "$work"' EXIT

start() { # script folder
    local inside=$2
    [ -z "$record" ] || inside=${2#"$root"}
    local variables=(
        HOME="$inside" TMPDIR="$inside" PATH=/usr/bin:/bin:/usr/sbin LC_ALL=C.UTF-8 TZ=UTC PYTHONDONTWRITEBYTECODE=1
        FILES="$inside/.files"
    )
    cp -r "$here/files" "$2/.files"
    cp "$1" "$2/.script"
    cd "$2" || return 1
    if [ -n "$record" ]; then
        exec env -i "${variables[@]}" chroot "$root" /bin/bash -c "cd $inside && exec bash .script"
    fi
    # shellcheck disable=SC2086
    exec env -i "${variables[@]}" QEMU_LD_PREFIX="$root" "$emulator" ${tier:+--tier "$tier"} "$root/usr/bin/bash" .script
}

failed=0
printf '%-12s %-8s %8s\n' program status seconds
for script in "$here"/programs/*.sh; do
    name=$(basename "$script" .sh)
    if [ -n "$only" ]; then
        [[ ",$only," == *",$name,"* ]] || continue
    elif [ "$set" = small ]; then
        grep -q '^# set: small' "$script" || continue
    fi
    limit=$(sed -n 's/^# seconds: \([0-9]*\)$/\1/p' "$script")
    folder=$work/$name
    mkdir -p "$folder"
    begin=$(date +%s%N)
    # In a session of its own, so that nothing it leaves behind outlives it.
    (start "$script" "$folder") >"$work/$name.out" 2>"$work/$name.err" </dev/null &
    child=$!
    (sleep "${limit:-120}" && kill -KILL "$child" 2>/dev/null && echo "over ${limit:-120} s" >>"$work/$name.err") >/dev/null 2>&1 &
    guard=$!
    wait "$child" 2>/dev/null
    status=$?
    pkill -P "$guard" 2>/dev/null
    kill "$guard" 2>/dev/null
    wait "$guard" 2>/dev/null
    seconds=$(awk "BEGIN { printf \"%.1f\", ($(date +%s%N) - $begin) / 1e9 }")
    if [ -n "$record" ]; then
        cp "$work/$name.out" "$here/programs/$name.expected"
        printf '%-12s %-8s %8s\n' "$name" "$([ $status = 0 ] && [ ! -s "$work/$name.err" ] && echo written || echo "exit $status")" "$seconds"
        cat "$work/$name.err"
        continue
    fi
    verdict=ok
    if [ $status != 0 ]; then verdict="exit $status"; fi
    if ! cmp -s "$work/$name.out" "$here/programs/$name.expected"; then verdict=differs; fi
    if [ "$verdict" = ok ] && [ -s "$work/$name.err" ]; then verdict=stderr; fi
    printf '%-12s %-8s %8s\n' "$name" "$verdict" "$seconds"
    if [ "$verdict" != ok ]; then
        failed=$((failed + 1))
        diff "$here/programs/$name.expected" "$work/$name.out" | head -n 12
        head -n 12 "$work/$name.err"
    fi
    [ -n "$keep" ] || rm -rf "$folder"
done
[ $failed = 0 ] || echo "$failed failed"
[ $failed = 0 ]
