-- What every driver's program finds in the database it is given. Made as the role the programs sign in as.
CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('calm', 'très gai', 'it''s');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text);

-- One column a type, four rows: usual, extreme, empty, NULL.
CREATE TABLE samples (
  id int PRIMARY KEY,
  t_bool bool, t_int2 int2, t_int4 int4, t_int8 int8, t_numeric numeric, t_decimal numeric(12, 3), t_float4 float4, t_float8 float8,
  t_money money, t_oid oid, t_text text, t_varchar varchar(20), t_char char(6), t_name name, t_letter "char", t_bytea bytea,
  t_date date, t_time time, t_timetz timetz, t_timestamp timestamp, t_timestamptz timestamptz, t_interval interval, t_uuid uuid,
  t_json json, t_jsonb jsonb, t_jsonpath jsonpath, t_xml xml, t_inet inet, t_cidr cidr, t_macaddr macaddr, t_macaddr8 macaddr8,
  t_point point, t_box box, t_bit bit(5), t_varbit varbit, t_int4range int4range, t_tstzrange tstzrange, t_multirange int4multirange,
  t_tsvector tsvector, t_tsquery tsquery, t_lsn pg_lsn, t_regclass regclass, t_mood mood, t_positive positive, t_pair pair, t_hstore hstore,
  a_bool bool[], a_int4 int[], a_matrix int[][], a_numeric numeric[], a_text text[], a_bytea bytea[], a_timestamptz timestamptz[],
  a_uuid uuid[], a_mood mood[], a_pair pair[]
);
INSERT INTO samples VALUES
  (1, true, 1, -1, 1234567890123, 12345678901234567890.0123456789, 1.5, 1.5, 2.25,
   99.95, 42, 'snow ☃ and 𝕏', 'a''b"c\d', 'ab', 'name', 'x', '\xdeadbeef00',
   '2024-02-29', '12:34:56.789', '12:34:56.789+05:30', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012+00',
   '1 year 2 mons 3 days 04:05:06.7', '6f9619ff-8b86-d011-b42d-00cf4fc964ff',
   '{"a": [1, null, "x"]}', '{"a": [1, null, "x"]}', '$.a[*] ? (@ > 1)', '<a b="c">1 &amp; ☃</a>', '192.168.0.1/24', '10.0.0.0/8',
   '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05',
   '(1.5,-2)', '((0,0),(1,1))', B'10110', B'101', '[1,10)', '["2024-01-01 00:00+00","2024-02-01 00:00+00")', '{[1,3),[5,7)}',
   to_tsvector('simple', 'a fat cat'), to_tsquery('simple', 'fat & cat'), '0/16B3748', 'samples', 'très gai', 7, ROW(1, 'one, "two"'),
   'a=>1, "b c"=>NULL',
   '{t,NULL,f}', '{1,NULL,-3}', '{{1,2},{3,NULL}}', '{1.50,NaN,NULL}', ARRAY['a', 'b,c', '"', '\', 'NULL', NULL, ''], '{"\\x00ff",NULL}',
   '{"2024-02-29 12:00+00",infinity,NULL}', '{6f9619ff-8b86-d011-b42d-00cf4fc964ff,NULL}', '{it''s,NULL,calm}', ARRAY[ROW(1, 'x')::pair, NULL]),
  (2, false, -32768, -2147483648, 9223372036854775807, 'NaN', -0.001, 'NaN', 'Infinity',
   -92233720368547758.08, 4294967295, E'tab\there\nline\r\\', repeat('é', 20), 'é', repeat('n', 63), '\377', '\x',
   'infinity', '24:00:00', '00:00:00-15:59', '-infinity', 'infinity', '-1 mons +1 day -00:00:00.000001', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
   ' {"b" :1,"a":2, "a":3} ', '1e400', 'strict $', 'text', '::1', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff',
   '(Infinity,1e-300)', '((-1,-1),(1e10,2))', B'00000', B'1111111111111111111', '(,5]', '(infinity,]', '{(,)}',
   'a:1A,2B b:3', '!a:* | (b <-> c)', 'FFFFFFFF/FFFFFFFF', 'pg_class', 'it''s', 2147483647, ROW(NULL, ''), '"=>"=>"\"\\"',
   '{f}', '{-2147483648,2147483647}', '[2:3][-1:0]={{1,2},{3,4}}', '{Infinity,-Infinity}', ARRAY[E'\n', '{', '}', ' '], ARRAY['\x'::bytea],
   '{-infinity}', '{00000000-0000-0000-0000-000000000000}', '{calm,calm}', ARRAY[ROW(NULL, NULL)::pair]),
  (3, false, 0, 0, 0, 0, 0, '-0', '-Infinity',
   0, 0, '', '', '', '', '', '\x00', '0001-01-01 BC', '00:00', '00:00+00', '4713-11-24 BC', 'epoch', '0', '00000000-0000-0000-0000-000000000000',
   '""', '{}', '$', '', '0.0.0.0/0', '0.0.0.0/0', '00:00:00:00:00:00', '00:00:00:00:00:00:00:00', '(0,-0)', '((0,0),(0,0))', B'11111', B'',
   'empty', 'empty', '{}', '', 'z', '0/0', 'pg_type', 'calm', 1, ROW('0', '()'), '', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
INSERT INTO samples (id) VALUES (4);

CREATE TABLE things (id int PRIMARY KEY, name text NOT NULL, size positive, mood mood, CONSTRAINT short CHECK (length(name) < 20));
INSERT INTO things SELECT g, 'thing ' || g, g, 'calm' FROM generate_series(1, 100) AS g;
-- Drivers show estimates, which must not change between two runs.
ALTER TABLE things SET (autovacuum_enabled = off);
ANALYZE things;

-- Every field a message can have, as an error or as a notice.
CREATE FUNCTION complain(level text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF level = 'error' THEN
    RAISE EXCEPTION 'it is an error ☃' USING ERRCODE = 'P0777', DETAIL = 'the detail', HINT = 'the hint',
      SCHEMA = 'a schema', TABLE = 'a table', COLUMN = 'a column', DATATYPE = 'a type', CONSTRAINT = 'a constraint';
  END IF;
  RAISE DEBUG 'debug %', level;
  RAISE LOG 'log %', level;
  RAISE INFO 'info %', level;
  RAISE NOTICE 'notice %', level USING DETAIL = 'the detail', HINT = 'the hint', SCHEMA = 'a schema', TABLE = 'a table';
  RAISE WARNING 'warning %', level USING ERRCODE = '01777';
END $$;
CREATE FUNCTION two_rows(INOUT a int, OUT b text) RETURNS SETOF record LANGUAGE sql AS $$ SELECT g, 'row ' || g FROM generate_series(a, a + 1) AS g $$;
CREATE PROCEDURE doubled(INOUT a int) LANGUAGE plpgsql AS $$ BEGIN a := a * 2; END $$;
