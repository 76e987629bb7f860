#!/bin/sh
# Where Needletail spends its time on a program: shares of processor time by kind, and the twelve hottest functions outside generated code.
#
#   Benchmarks/profile.sh .build/release/needletail Tests/Guests/.out/bench/sort 6
#
# Needs perf (Debian's linux-perf). The commands of `make bench` are in .build/bench/bench.json. The guest must not fork.
set -eu
command -v perf >/dev/null 2>&1 || {
    echo "profile: no perf: apt-get install linux-perf" >&2
    exit 1
}
data=$(mktemp)
trap 'rm -f "$data" "$data.old"' EXIT
perf record -q -F 997 -o "$data" -- "$@" >/dev/null
# A field that perf does not know is "[unknown]"; the object comes last, in parentheses.
perf script -i "$data" -F pid,tid,ip,sym,dso 2>/dev/null | awk '
{
    split($1, id, "/")
    object = $NF
    name = $0
    sub(/^ *[^ ]+ +[^ ]+ /, "", name)
    sub(/ \([^()]*\)$/, "", name)
    total++
    vcpu = id[1] == id[2]
    if (object ~ /kernel|vmlinux/) kind = "kernel"
    else if (object ~ /perf-[0-9]+\.map|unknown|anon|memfd/) kind = "generated code"
    else {
        if (name ~ /^nt_(op|interp)_/) kind = "interpreter"
        else if (name ~ /^nt_/) kind = "helpers and entry of generated code"
        else if (!vcpu) kind = "other threads: compilation"
        else if (name ~ /llvm::|anonymous namespace/) kind = "LLVM on the guest thread"
        else kind = "own code on the guest thread: translation, dispatch, system calls"
        hot[kind ": " name]++
    }
    kinds[kind]++
}
END {
    for (kind in kinds) printf "%5.1f %%  %s\n", 100 * kinds[kind] / total, kind | "sort -rn"
    close("sort -rn")
    print ""
    for (name in hot) printf "%5.1f %%  %.130s\n", 100 * hot[name] / total, name | "sort -rn | head -n 12"
}'
