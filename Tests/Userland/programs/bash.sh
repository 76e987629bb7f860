# The shell itself: expansion, arrays, functions, pipes, traps, jobs, here documents, process substitution.
# set: small
# seconds: 60
declare -A count
for word in a b a c b a; do count[$word]=$((${count[$word]:-0} + 1)); done
for key in $(printf '%s\n' "${!count[@]}" | sort); do echo "$key ${count[$key]}"; done
fib() { if (($1 < 2)); then echo "$1"; else echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2))))); fi; }
fib 8
cat <<END
here $((6 * 7)) ${HOME:+home}
END
diff <(printf '1\n2\n') <(printf '1\n3\n')
trap 'echo got USR1' USR1
kill -USR1 $$
(exit 7); echo "status $?"
sleep 0.1 & pid=$!
wait $pid; echo "waited $?"
{ sh -c 'kill -TERM $$'; } 2>/dev/null; echo "killed $?"
set -m
{ sleep 30 & kill -STOP %1; sleep 0.1; kill -CONT %1; kill %1; wait %1; status=$?; } 2>/dev/null; echo "job $status"
set +m
seq 1 100000 | while read -r n; do ((n % 20000)) || echo "$n"; done
echo {1..5} ${BASH_VERSINFO[0]} "${RANDOM:+random}"
mapfile -t lines < <(seq 5); echo "${lines[@]: -2}"
[[ "file-0042.txt" =~ ([0-9]+)\.(.*) ]] && echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
printf '%05d %x %s\n' 42 255 'é' | od -An -tx1
coproc cat; echo through >&"${COPROC[1]}"; read -r reply <&"${COPROC[0]}"; echo "$reply"
exec {COPROC[1]}>&-
(ulimit -n 20; ulimit -n)
type -t echo; command -v awk
./missing 2>/dev/null; echo "status $?"
printf '#!/usr/bin/awk -f\nBEGIN { print "script", ARGC }\n' >s.awk; chmod +x s.awk; ./s.awk x y
printf 'echo no interpreter line $1\n' >plain; chmod +x plain; ./plain arg
