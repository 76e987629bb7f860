# Text, file and number tools.
# set: small
# seconds: 120
seq 1 5000 >n
sort -R --random-source=n n | sort -n --parallel=4 | cmp - n && echo sorted
sort -k2,2n -k1,1r <<<$'b 2\na 10\nc 2'
sha256sum n | cut -d' ' -f1; sha512sum n | cut -c1-40; md5sum n | cut -d' ' -f1; b2sum n | cut -c1-40; cksum n
base64 n | tail -n 1; base32 n | head -c 40; echo
factor 1234567890123 18446744073709551557 36893488147419103183
printf '%s\n' x y z | paste -sd, ; tac n | head -n 2; tail -c 10 n; split -n l/7 n part. && ls part.* | wc -l; cat part.* | cmp - n && echo split
uniq -c <<<$'a\na\nb'; tr a-z A-Z <<<hello; fold -w 3 <<<abcdefgh; expand -t 4 <<<$'a\tb'; nl -ba <<<x; comm -12 <(seq 3) <(seq 2 5)
join <(printf '1 a\n2 b\n') <(printf '1 x\n2 y\n')
dd if=n of=d bs=100 count=10 skip=3 status=none; wc -c d; truncate -s 1M t; stat -c '%s %F' t d; cp --sparse=always t u; cmp t u && echo same
mkdir -p a/b/c; echo hi >a/b/f; ln -s b/f a/link; ln a/b/f a/hard; cp -a a copy; readlink copy/link; stat -c %h copy/hard; ls -1R copy
chmod 640 a/b/f; stat -c %a a/b/f; touch -d '2001-02-03 04:05:06.789' a/b/f; stat -c %y a/b/f; rm -r a; mv copy a; [ -d a/b ] && rmdir a/b/c && echo moved
date -u -d @1234567890 +'%F %T %j'; date -u -d '2024-02-29 +1 year' +%F; numfmt --to=iec 123456789; printf '%.10f\n' 3.14159; expr 7 \* 6; test 3 -lt 4 && echo less
timeout 0.2 sleep 10; echo "timeout $?"; env -i X=1 env; nice -n 3 nice; nohup true 2>/dev/null; yes | head -n 3 | tail -n 1
od -An -tx2z -N 16 n; shuf -i 1-5 --random-source=n | sort | tr -d '\n'; echo
echo tee | tee f1 f2 | cat; cat f1 f2; basename /x/y.z .z; dirname /x/y; pwd -P | sed 's/.*\///' ; realpath -m --relative-to=/a/b /a/c; seq -s, 0 .5 2; sleep 0.01; tsort <<<'a b b c'; ptx --version | head -c 3; echo
csplit -s n 100 '/^2500$/'; wc -l xx00 xx01 xx02 | tail -n 1; install -m 700 n bin; stat -c %a bin; mkfifo p; (cat p &) ; echo fifo >p; mktemp -d tmp.XXX >/dev/null && ls -d tmp.* | wc -l; df . >/dev/null && echo df; du -s --apparent-size t | cut -f1; id -u; uname -s; tty; nproc >/dev/null && echo nproc; stdbuf -oL echo buffered; sync
