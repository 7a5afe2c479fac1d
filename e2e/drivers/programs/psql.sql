-- What a person types into psql. Every "== step" heads what a step says; nothing in it may differ between direct and through.
\echo == parameter status
\set VERBOSITY default
\pset pager off
\pset null '(null)'
\echo :SERVER_VERSION_NAME :SERVER_VERSION_NUM :DBNAME :USER :ENCODING
\encoding
SELECT current_user, session_user, current_database(), current_setting('application_name');
SET TimeZone = 'Asia/Tokyo';
SHOW TimeZone;
RESET ALL;
\echo == types text
\x on
SELECT * FROM samples ORDER BY id;
\x off
\gdesc
SELECT * FROM samples \gdesc
\echo == describe
\d
\d samples
\d+ things
\dt
\dT+
\dD+
\df+
\di
\dn+
\dx
\dx+ hstore
\du
\dp
\db
\dO
\l drivers
\sf complain
\sf+ doubled
\dconfig work_mem
\ddp
\drds
\dF
\dRp
\dy
\echo == results
SELECT id, name FROM things WHERE id < 3 ORDER BY id \gset first_
SELECT 42 AS answer \gset
\echo :answer :ROW_COUNT :SQLSTATE :ERROR
SELECT format('SELECT %s AS generated', g) FROM generate_series(1, 3) AS g \gexec
SELECT 1 AS a, 'x' AS b, 2 AS c \crosstabview
SELECT id, name FROM things ORDER BY id LIMIT 3 \g (format=csv)
\pset format html
TABLE things LIMIT 1;
\pset format aligned
SELECT 1 \; SELECT 2 \; SELECT 3;
SELECT;
;
SELECT FROM things LIMIT 2;
\set FETCH_COUNT 7
SELECT id FROM things ORDER BY id LIMIT 20;
SELECT 10 / (15 - id) FROM things ORDER BY id;
\unset FETCH_COUNT
\echo == copy
CREATE TEMP TABLE copied (LIKE samples);
\copy (SELECT * FROM samples ORDER BY id) TO 'samples.txt'
\copy copied FROM 'samples.txt'
\copy (SELECT * FROM samples ORDER BY id) TO 'samples.csv' WITH (FORMAT csv, HEADER)
\copy copied FROM 'samples.csv' WITH (FORMAT csv, HEADER)
\copy (SELECT * FROM samples ORDER BY id) TO 'samples.bin' WITH (FORMAT binary)
\copy copied FROM 'samples.bin' WITH (FORMAT binary)
SELECT count(*) FROM samples AS s JOIN copied AS c USING (id) WHERE s::text = c::text;
\! cksum samples.txt samples.csv samples.bin
\copy (SELECT id, t_text, a_text FROM samples ORDER BY id) TO STDOUT CSV
CREATE TEMP TABLE small (id int, name text);
COPY small FROM STDIN;
1	one
2	\N
\.
COPY small FROM STDIN;
x	y
\.
COPY small TO STDOUT;
COPY small TO STDOUT \; SELECT 'between' \; COPY small TO STDOUT;
\copy nobody FROM 'samples.txt'
\echo == notices
SET client_min_messages = debug1;
SELECT complain('all');
RESET client_min_messages;
DO $$ BEGIN RAISE NOTICE 'from a block'; END $$;
DROP TABLE IF EXISTS nobody;
ROLLBACK;
\echo == notify
LISTEN psql_channel;
NOTIFY psql_channel, 'from itself ☃';
\! psql -X -q -c "NOTIFY psql_channel, 'from another'"
SELECT pg_sleep(0.1);
UNLISTEN *;
\echo == large object by SQL
SELECT lo_from_bytea(88891, '\x000102');
SELECT lo_get(88891);
BEGIN;
SELECT lo_open(88891, 393216);
SELECT loread(0, 3);
SELECT lowrite(0, 'more');
SELECT lo_close(0);
COMMIT;
SELECT lo_get(88891);
SELECT lo_unlink(88891);
\echo == large object by driver
\set QUIET on
\lo_import 'samples.bin' 'a comment'
\set QUIET off
SELECT :LASTOID > 0 AS imported;
SELECT md5(lo_get(:LASTOID));
\lo_export :LASTOID 'exported.bin'
\! cmp samples.bin exported.bin && echo the same
-- It would print the number.
\set QUIET on
\lo_unlink :LASTOID
\set QUIET off
\echo == errors
SELEC 1;
\echo :SQLSTATE :ERROR :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE
SELECT nothing FROM things;
SELECT * FROM
  nobody
  WHERE id = 1;
SELECT 1/0;
INSERT INTO things VALUES (1, 'again');
INSERT INTO things VALUES (1000, NULL);
INSERT INTO things VALUES (1000, 'x', -1);
SELECT complain('error');
\errverbose
CREATE ROLE somebody;
SELECT 1 \; SELECT 1/0 \; SELECT 2;
SELECT 'sad'::mood;
\set VERBOSITY sqlstate
SELECT 'x'::int;
\set VERBOSITY verbose
INSERT INTO things VALUES (1, 'again');
\set VERBOSITY default
SELECT 1 AS alive;
\echo == transactions
BEGIN;
CREATE TEMP TABLE kept (id int PRIMARY KEY) ON COMMIT DROP;
INSERT INTO kept VALUES (1);
SAVEPOINT one;
INSERT INTO kept VALUES (1);
SELECT 1;
ROLLBACK TO one;
INSERT INTO kept VALUES (2) RETURNING id;
TABLE kept;
COMMIT;
COMMIT;
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT 1/0;
SELECT 'still in it';
COMMIT;
\unset ON_ERROR_ROLLBACK
\set AUTOCOMMIT off
UPDATE things SET size = 99 WHERE id = 1;
ROLLBACK;
\set AUTOCOMMIT on
SELECT size FROM things WHERE id = 1;
\echo == cursors
BEGIN;
DECLARE walk SCROLL CURSOR FOR SELECT id, name FROM things ORDER BY id;
FETCH 2 FROM walk;
MOVE 5 FROM walk;
FETCH BACKWARD 2 FROM walk;
CLOSE walk;
COMMIT;
\echo == prepared
PREPARE one (int) AS SELECT name FROM things WHERE id = $1;
EXECUTE one(1);
EXECUTE one(2);
PREPARE one AS SELECT 1;
EXPLAIN (COSTS OFF) EXECUTE one(1);
DEALLOCATE one;
EXECUTE one(1);
\echo == cancel
\! psql -X -c "SELECT 'before' AS a; SELECT pg_sleep(20)" 2>&1 & victim=$!; sleep 0.4; kill -INT $victim; wait $victim; echo "ended with $?"
SELECT 1 AS alive;
\echo == reconnect
\c
SELECT 1 AS alive;
\echo == end
