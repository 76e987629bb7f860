# find, xargs, grep, sed, gawk, diff, patch-like work.
# set: small
# seconds: 120
mkdir -p d/{a,b,c}/{1,2}; for f in d/*/*; do seq 200 >"$f/x"; echo "line $f" >"$f/y.txt"; done
find d -name '*.txt' -newermt 2000-01-01 -size -2 | sort | head -n 3; find d -type f -exec wc -l {} + | tail -n 1
find d -name x -print0 | xargs -0 -P 4 -n 1 sha1sum | cut -d' ' -f1 | sort -u; find d -depth -type d -printf '%d %f\n' | sort | uniq -c | head -n 4
grep -rn 'line d/b' d | sort; grep -c 1 d/a/1/x; grep -oE '[0-9]{3}' d/a/1/x | wc -l; grep -P '(?<=1)9\d' d/a/1/x | head -n 2; grep -v -f d/a/1/x d/b/1/y.txt
sed -n '/^5/,/^7/p' d/a/1/x | tr '\n' ' '; echo; sed -E 's/([0-9])([0-9])/\2\1/; 5q' d/a/1/x; echo a:b:c | sed 'y/abc/xyz/;s/:/\n/2;h;G'; sed -i 's/^1/one/' d/a/1/x; head -n 2 d/a/1/x
gawk 'BEGIN { for (i = 1; i <= 200000; i++) s += sin(i) * i % 7; printf "%.6f\n", s; PROCINFO["sorted_in"] = "@ind_num_asc"; a[3]=1; a[1]=2; for (k in a) print k, a[k]; print strftime("%Y", 0, 1), toupper("é"), length("é"), gensub(/b/, "[&]", "g", "abcb"); print substr("hello", 2, 3), index("abc", "c"), 2 ^ 53 + 1, 0x10, strtonum("0x10"); "echo from shell" | getline line; print line }'
gawk -F, -v OFS=\; '{ $2 = $2 * 1.5; print; t += $2 } END { print t }' <<<$'a,1\nb,2.5'
seq 20 >p; sed 's/^7$/seven/;12d' p >q; diff -u p q | tail -n +3; diff3 p q p | head -n 3; cmp p q
seq 1 300000 | grep -c 7; seq 1 300000 | sed 's/1/2/g' | sort -u | wc -l
