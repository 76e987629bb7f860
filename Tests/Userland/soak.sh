#!/bin/sh
# Runs redis, python and stress-ng under the emulator for a while, all at once: soak.sh NEEDLETAIL SYSROOT SECONDS.
# Fails when one of them fails, when the emulator says anything, or when the resident memory of all its processes grows by
# more than 5 % in the second half (the median of the last quarter against that of the third). Pages that processes share are
# counted once (PSS): stress-ng forks, and how many of its children live at a moment depends on the machine's load.
# SOAK_KEEP=FOLDER leaves the samples and what the programs said there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# = 3 ] || { echo "usage: soak.sh NEEDLETAIL SYSROOT SECONDS" >&2; exit 2; }
needletail=$(readlink -f "$1")
sysroot=$(cd "$2" && pwd)
seconds=$3
growth_limit=5
folder=$(mktemp -d)
session=$folder/session
port=$((20000 + $$ % 20000))
end=$(($(date +%s) + seconds))

guest() { # program of the sysroot, arguments
    program=$1
    shift
    "$needletail" -L "$sysroot" "$sysroot/usr/bin/$program" "$@"
}

# Everything below runs in one session of its own, by which it is found and ended.
if [ "${SOAK_CHILD:-}" = "" ]; then
    SOAK_CHILD=$folder SOAK_PORT=$port SOAK_END=$end setsid "$0" "$@" &
    leader=$!
    trap 'kill -- -$leader 2>/dev/null || true; sleep 1; kill -9 -- -$leader 2>/dev/null || true; rm -rf "$folder"' EXIT
    trap 'exit 130' INT TERM
else
    folder=$SOAK_CHILD port=$SOAK_PORT end=$SOAK_END
    left() { echo $((end - $(date +%s))); }
    note() { echo "$1" >>"$folder/failures"; }
    # Shells of the loops below must outlive what they start.
    guest redis-server --port "$port" --bind 127.0.0.1 --save "" --daemonize no --dir "$folder" \
        >"$folder/redis.log" 2>"$folder/redis.err" &
    server=$!
    (
        until [ "$(guest redis-cli -p "$port" ping 2>/dev/null)" = PONG ]; do
            [ "$(left)" -gt 5 ] || { note "redis-server does not answer"; exit 1; }
            sleep 0.2
        done
        rounds=0
        while [ "$(left)" -gt 5 ]; do
            guest redis-benchmark -p "$port" -q -n 500 -c 20 -r 1000 -t set,get,incr,lpush,rpop,sadd,hset,mset \
                >"$folder/benchmark.log" 2>>"$folder/benchmark.err" || { note "redis-benchmark failed"; break; }
            value=soak-$rounds-$$
            guest redis-cli -p "$port" set soak "$value" >/dev/null 2>>"$folder/benchmark.err"
            [ "$(guest redis-cli -p "$port" get soak 2>>"$folder/benchmark.err")" = "$value" ] || { note "redis lost a value"; break; }
            # So that what redis holds does not grow by itself.
            guest redis-cli -p "$port" flushall >/dev/null 2>>"$folder/benchmark.err"
            rounds=$((rounds + 1))
        done
        echo "$rounds" >"$folder/redis.rounds"
    ) &
    load=$!
    guest python3 "$here/soak.py" "$end" >"$folder/python.log" 2>"$folder/python.err" &
    python=$!
    # -t ends the stressors; two processes of each class at most. Not the clone class: on a real machine, too, it leaves hundreds
    # of zombies a minute (siblings made with CLONE_PARENT), thousands of processes in half an hour.
    guest stress-ng --verify --temp-path "$folder" -t "$(left)s" --cpu 1 --cpu-method matrixprod --vm 1 --vm-bytes 16m \
        --vm-keep --futex 1 --pipe 1 --fork 1 --pthread 1 --pthread-max 16 --sigq 1 --mmap 1 --mmap-bytes 8m \
        --vfork 1 >"$folder/stress.log" 2>"$folder/stress.err" &
    stress=$!
    wait $load || note "the redis load failed"
    wait $python || note "python failed: $(tail -n 1 "$folder/python.err")"
    wait $stress || note "stress-ng failed: $(grep -m 1 -E 'fail|error' "$folder/stress.err" "$folder/stress.log" || true)"
    guest redis-cli -p "$port" shutdown nosave >/dev/null 2>>"$folder/benchmark.err"
    wait $server || note "redis-server failed"
    exit 0
fi

# One line a second: time, resident kB of each program, processes. A process may end while it is looked at.
sample() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v session="$leader" '
        {
            pid = $1
            # Fields after the name, which may hold anything: state, parent, group, session.
            sub(/^.*\) /, "")
            if ($4 == session && $1 != "Z") print pid
        }' | while read -r pid; do
        words=$({ tr "\0" " " <"/proc/$pid/cmdline"; } 2>/dev/null) || continue
        case $words in
            *redis-server*) kind=redis ;;
            *python3*) kind=python ;;
            *stress-ng*) kind=stress ;;
            *) kind=other ;;
        esac
        echo "$kind $(sed -n 's/^Pss: *\([0-9]*\).*/\1/p' "/proc/$pid/smaps_rollup" 2>/dev/null || true)"
    done | awk -v t="$1" '
        { size[$1] += $2; n++ }
        END { print t, size["redis"] + 0, size["python"] + 0, size["stress"] + 0, n + 0 }'
}
start=$(date +%s)
while kill -0 $leader 2>/dev/null; do
    now=$(date +%s)
    [ "$now" -ge $((end + 120)) ] && { echo "not ended two minutes after its time" >>"$folder/failures"; break; }
    sample $((now - start)) >>"$folder/samples"
    sleep 1
done
for file in redis benchmark python stress; do
    # stress-ng writes its own messages to standard error.
    if grep -h -E 'needletail|Segmentation|Traceback|Fatal' "$folder/$file.err" >"$folder/said" 2>/dev/null; then
        echo "$file: $(head -n 1 "$folder/said")" >>"$folder/failures"
    fi
done
echo "redis rounds: $(cat "$folder/redis.rounds" 2>/dev/null || echo none); python: $(tail -n 1 "$folder/python.log")"
grep -E 'passed|failed|successful|unsuccessful' "$folder/stress.err" "$folder/stress.log" -h | sed 's/.*info: *//' | tail -n 3
awk -v seconds="$seconds" -v limit="$growth_limit" '
    function median(name, from, to,   i, n, j, v, a) {
        n = 0
        for (i = 1; i <= NR; i++) if (time[i] >= from && time[i] < to) a[++n] = data[name, i]
        for (i = 2; i <= n; i++) { v = a[i]; for (j = i - 1; j > 0 && a[j] > v; j--) a[j + 1] = a[j]; a[j + 1] = v }
        return n ? a[int((n + 1) / 2)] / 1024 : 0
    }
    { time[NR] = $1; data["redis", NR] = $2; data["python", NR] = $3; data["stress-ng", NR] = $4; data["all", NR] = $2 + $3 + $4 }
    END {
        printf "%-10s %10s %10s %10s %9s\n", "resident", "2nd qtr", "3rd qtr", "4th qtr", "growth"
        split("redis python stress-ng all", names, " ")
        for (k = 1; k <= 4; k++) {
            q2 = median(names[k], seconds / 4, seconds / 2)
            q3 = median(names[k], seconds / 2, seconds * 3 / 4)
            # The last seconds are of programs that end.
            q4 = median(names[k], seconds * 3 / 4, seconds - 5)
            growth = q3 > 0 ? (q4 / q3 - 1) * 100 : 0
            printf "%-10s %7.1f MB %7.1f MB %7.1f MB %8.1f%%\n", names[k], q2, q3, q4, growth
            if (names[k] == "all" && (growth > limit || q3 == 0 || q4 == 0)) bad = 1
        }
        exit bad
    }' "$folder/samples" || echo "resident memory grew by more than $growth_limit % in the second half" >>"$folder/failures"
if [ -n "${SOAK_KEEP:-}" ]; then cp -r "$folder" "$SOAK_KEEP"; fi
if [ -s "$folder/failures" ]; then
    cat "$folder/failures"
    echo "soak: FAILED"
    exit 1
fi
echo "soak: passed, $seconds s"
