# jq and Lua.
# set: small
# seconds: 60
jq -n '[range(20000)] | map(select(. % 7 == 0) * 1.5) | add, length, (map(tostring) | join("") | length)'
echo '{"a":[1,2,{"b":null}],"c":"é\u0001"}' | jq -c '., (.a|map(type)), (paths|tostring), (.c|@base64,@uri), (tojson|fromjson|.a[2].b)'
jq -rn '"2015-03-05T23:51:47Z" | fromdate, (1425599507|todate), ("test 12 a34" | [scan("[0-9]+")] | tostring), ([3,1,2]|sort|tostring), (1e1000|tostring), (5 % 3), (10 / 4), ("x" * 3)'
jq -n '[limit(10; def f: .[0], ([.[1], .[0] + .[1]] | f); [0, 1] | f)] | tostring'; echo '{' | jq . 2>&1 | cut -c1-20
lua5.4 -e 'local t = {} for i = 1, 200000 do t[i] = (i * 7919) % 100003 end table.sort(t) print(t[1], t[#t], #t, math.pi, 7 // 2, 7.5 // 2, 1 << 62, string.format("%q", "a\nb"), ("x"):rep(3, ","), select("#", 1, 2)) print(pcall(error, {code = 1})) local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(co(), co(), co()) print(string.gsub("hello world", "o", "0")) print(#string.pack("i4d", 1, 2.5), utf8.char(228, 8364), 2^53 | 0, math.tointeger(3.0), 3 | 0xff)' | sed 's/table: 0x[0-9a-f]*/table/'
