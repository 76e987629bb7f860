# set: large
# seconds: 300
redis-server --port 0 --unixsocket "$PWD/s" --dir "$PWD" --daemonize no --save '' --appendonly yes --loglevel warning >log 2>&1 &
server=$!
for n in $(seq 300); do [ -S s ] && redis-cli -s s ping >/dev/null 2>&1 && break; sleep 0.1; done
r() { redis-cli -s s "$@"; }
r set a 1; r incrby a 41; r lpush l x y z; r lrange l 0 -1; r hset h f v g w; r hgetall h; r zadd z 3 c 1 a 2 b; r zrange z 0 -1 withscores; r eval 'local s = 0 for i = 1, 100000 do s = s + i end return s' 0; r setex e 1000 v; [ "$(r ttl e)" -gt 900 ] && echo lives; r pfadd p 1 2 3; r pfcount p; r expire l 100
redis-benchmark -s s -n 10000 -c 20 -q -t set,get,lpush,zadd -P 4 | tr '\r' '\n' | grep -c 'requests per second'
seq 5000 | sed 's/.*/set key:& value&/' | redis-cli -s s --pipe | tail -n 1; r dbsize >/dev/null; r bgsave; for n in $(seq 100); do [ "$(r info persistence | tr -d '\r' | sed -n 's/^rdb_bgsave_in_progress://p')" = 0 ] && break; sleep 0.1; done; r info persistence | tr -d '\r' | grep last_bgsave_status; r bgrewriteaof >/dev/null; (sleep 0.5; r publish ch message >/dev/null) & timeout 5 redis-cli -s s subscribe ch | head -n 6 | tail -n 1
for n in $(seq 100); do [ "$(r info persistence | tr -d '\r' | sed -n 's/^aof_rewrite_in_progress://p')" = 0 ] && break; sleep 0.1; done; r get key:77; r debug sleep 0 >/dev/null 2>&1; r shutdown nosave; wait $server; echo "server $?"; redis-check-rdb dump.rdb | tail -n 1 | cut -c1-40
