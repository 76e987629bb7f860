# set: small
# seconds: 120
sqlite3 t.db <<'END'
pragma journal_mode = wal;
create table n(i integer primary key, s text, r real);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 20000) insert into n select x, printf('%08x', x * 2654435761 % 4294967296), x / 7.0 from c;
create index ns on n(s);
select count(*), min(s), max(s), round(sum(r), 4) from n;
select a.i, b.i from n a join n b on a.s < b.s where a.i between 100 and 103 and b.i between 200 and 202 order by 1, 2 limit 5;
explain query plan select * from n where s = 'x';
begin; delete from n where i % 2; rollback; delete from n where i % 3 = 0; vacuum; select count(*) from n; pragma integrity_check;
select json_group_array(i) from (select i from n limit 5); select strftime('%Y-%m-%d', 1234567890, 'unixepoch'), hex(zeroblob(3)), instr('abc', 'c'), 1e300 * 10, 5 / 2, 5 / 2.0, round(2.5), upper('ä');
create virtual table f using fts5(t); insert into f values('the quick brown fox'), ('lazy dogs'), ('quick dogs'); select t from f where f match 'quick' order by rank;
select sum(v) over (order by v rows 1 preceding) from (select value v from json_each('[1,2,3,4]'));
END
sqlite3 t.db 'select i, s, round(r, 6) from n' .schema | sha256sum; sqlite3 -csv t.db 'select * from n limit 3'; sqlite3 t.db 'selec' 2>&1 | head -n 1
