/** The small database that the lineage cases speak of, with rows in which every column differs from every other. */
export const SCHEMA = `
create schema hr;
create type address as (street text, city text);
create table c (
  id int primary key, name text, email varchar(60), ssn text, city text, age int, tags text[], doc jsonb, addr address,
  low text generated always as (lower(email)) stored);
create table o (id int primary key, cid int references c(id), total numeric, note text, made date);
create table k (id int, ssn text, brand text);
create table s (id int primary key, v text, n int, w text[]);
create table node (id int primary key, up int, label text);
create table ev (id int, made date, ip text) partition by range (made);
create table ev25 partition of ev for values from ('2025-01-01') to ('2026-01-01');
create table hr.o (id int, salary int);
create table hr.pay (id int, salary int);
create table "Odd Name" ("Id" int, "sel""f" text, übung text);
create table x (id int, payload xml);
create sequence seq;
create view vc as select id, name, email as mail, city from c;
create view vv as select id, upper(mail) as loud from vc;
create view vt as select c.name, sum(o.total) as total, count(o.note) as notes from c join o on o.cid = c.id group by c.name;
create view vu as select email as either from c union all select note from o;
create view vstar as select * from k join (select ssn, email from c) p using (ssn);
create view vpick (a, b) as select id, case when age > 30 then name else city end from c where email like '%a%';
create materialized view mc as select id, email as mail, length(ssn) as len from c;
create view vm as select mail from mc;
create function email_of(p int) returns text language sql stable as 'select email from c where id = p';
create function by_number(int) returns text language sql stable as 'select ssn from c where id = $1';
create function qualified(id int) returns text language sql stable as 'select email from c where c.id = qualified.id';
create function shout(t text) returns text language sql immutable as 'select upper(t)';
create function hidden(email text) returns text language sql stable as 'select email from c where ssn = hidden.email limit 1';
create function whole(p c) returns text language sql immutable as 'select p.email';
create function people_in(town text) returns table (id int, mail text) language sql stable as 'select id, email from c where city = town';
create function all_c() returns setof c language sql stable as 'select * from c';
create function mails() returns setof text language sql stable as 'select email from c';
create function pair(p int, out who text, out years int) language sql stable as 'select name, age from c where id = p';
create function atomic_mail(p int) returns text language sql stable begin atomic select email from c where id = p; end;
create function returned(t text) returns text language sql immutable return lower(t);
create function picked(variadic t text[]) returns text language sql immutable as 'select t[1]';
create function secret_default() returns text language sql stable as 'select max(ssn) from c';
create function defaulted(a text, b text default secret_default()) returns text language sql stable as 'select a || b';
create function pinned(p int) returns int language sql stable set search_path = hr as 'select salary from pay where id = p';
create function saves(p text) returns int language sql as 'insert into s (id, v) values (99, p) returning id';
create function looped(n int) returns int language sql stable as 'select case when n > 0 then looped(n - 1) else 0 end';
create view vf as select id, email_of(id) as mail from c;
create view vt2 as select * from people_in('Oslo');
insert into c (id, name, email, ssn, city, age, tags, doc, addr) values
  (1, 'Ann', 'ann@a.test', '111-11', 'Oslo', 31, '{red,blue}', '{"memo": "m-one", "list": [1, 2]}', row('Elm 1', 'Bergen')),
  (2, 'Bob', 'bob@b.test', '222-22', 'Rome', 42, '{green}', '{"memo": "m-two", "list": [3]}', row('Oak 2', 'Milan')),
  (3, 'Cid', 'cid@c.test', '333-33', 'Oslo', 53, '{}', '{"memo": "m-three", "list": []}', row('Ash 3', 'Tromso')),
  (4, 'Dee', null, '444-44', 'Lyon', 24, '{grey,pink,gold}', '{"memo": "m-four", "list": [7, 8, 9]}', null);
insert into o values (1, 1, 10.5, 'fine', '2025-02-01'), (2, 1, 20, 'good', '2025-03-02'), (3, 2, 30.25, 'late', '2025-04-03'), (4, 3, 5, null, '2025-05-04');
insert into k values (1, '111-11', 'visa'), (2, '222-22', 'amex'), (3, '999-99', 'none');
insert into s values (1, 'ann@a.test', 7, '{a,b}'), (2, 'other', 8, '{c}'), (3, 'Oslo', 9, '{}');
insert into node values (1, null, 'root'), (2, 1, 'left'), (3, 1, 'right'), (4, 2, 'leaf');
insert into ev values (1, '2025-06-01', '10.0.0.1'), (2, '2025-07-01', '10.0.0.2');
insert into hr.o values (1, 1001), (2, 1002);
insert into hr.pay values (1, 777), (2, 888);
insert into "Odd Name" values (1, 'odd-1', 'ü-1'), (2, 'odd-2', 'ü-2');
insert into x values (1, '<r><i n="1">one</i><i n="2">two</i></r>'), (2, '<r><i n="3">three</i></r>');
refresh materialized view mc;
`;
