-- A table, an index, joins, aggregates, updates and text; all in memory. The caller has made the table `size` with the number of rows.
create table item(id integer primary key, word text, amount real, class integer);
with recursive c(x) as (select 1 union all select x + 1 from c where x < (select n from size))
insert into item select x, printf('%08x', x * 2654435761 % 4294967296), (x * 7919 % 10007) / 4.0, x % 97 from c;
create index by_word on item(word);
create index by_class on item(class, amount);
select count(*), min(word), max(word), sum(amount) from item;
select class, count(*), sum(amount), max(word) from item group by class having sum(amount) > 500000 order by 3 desc, 1 limit 5;
select count(*) from item a join item b on a.word < b.word and b.word < a.word || '8' where a.class = 5 and b.class < 40;
update item set amount = amount * 2, word = upper(word) where class % 3 = 0;
select sum(amount), count(distinct substr(word, 1, 3)) from item where word like '%A_7%' or word glob '*[a-c]0*';
delete from item where id % 5 = 0;
select sum(v) from (select sum(amount) over (partition by class order by id rows 3 preceding) as v from item);
select x, y from (select word as x, (select count(*) from item b where b.class = a.class and b.amount < a.amount) as y from item a where a.id < 400) order by y desc, x limit 3;
select count(*), sum(length(x)) from (select group_concat(word) as x from item group by class);
