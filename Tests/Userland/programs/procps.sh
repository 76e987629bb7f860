# Programs that look at the system.
# set: large
# seconds: 120
file /usr/bin/bash | grep -o 'ELF 64-bit LSB pie executable'; ps -o comm= -p $$; ps -o stat= -p $$ | cut -c1; sleep 20 & pgrep -P $$ sleep >/dev/null && echo found; pkill -P $$ sleep; wait $! 2>/dev/null; echo $?; free >/dev/null && uptime >/dev/null && echo free; vmstat >/dev/null && echo vmstat; TERM=xterm top -b -n 1 >/dev/null && echo top
flock lock echo locked; getopt -o ab: -- -a -b x y; lscpu >/dev/null && echo lscpu; setsid true && echo setsid; uuidgen | wc -c; column -t <<<$'a b\nccc d'; rev <<<abc; taskset -c 0 echo pinned; prlimit --nofile=50 bash -c 'ulimit -n'; nsenter --version | cut -d' ' -f1; unshare --version | cut -d' ' -f1; script -qc 'echo on a tty; tty | cut -c1-8' /dev/null | tr -d '\r'; ionice -c 3 echo idle; chrt -p $$ | head -n 1 | sed 's/.* //'; hexdump -C <<<x | head -n 1; renice -n 1 -p $$ | sed 's/^[0-9]* //'; mcookie | wc -c; namei / | tail -n 1; logger --version | cut -d' ' -f1
