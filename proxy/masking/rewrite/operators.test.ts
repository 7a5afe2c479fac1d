import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../../db/embedded/testing';
import type { MaskSpec } from '../../../db/schema/shapes';
import { loadCatalog } from '../../catalog/load';
import type { CatalogSnapshot } from '../../catalog/types';
import { judge } from '../../policy/judge';
import type { ConnectionPolicy, MaskingRule, Principal } from '../../policy/types';
import { loadParser } from '../../sql/parse';
import { CellOut } from '../cellOut';
import { type MaskIndex, maskedColumnsFor } from '../columns';
import { cellMaskFor } from '../transforms/cellMaskFor';

const COLUMNS =
  'id int primary key, name text, email text, ssn varchar(11), salary numeric, born date, seen timestamptz, notes jsonb, city text';
const SCHEMA = `
set timezone = 'UTC';
create table people (${COLUMNS});
create index on people (email); create index on people (salary); create index on people (ssn);
insert into people select n, 'name ' || n, chr(97 + n % 5) || 'user' || n || '@host' || n % 3 || '.test', lpad((n * 7919 % 1000)::text, 3, '0') || '-55-' || lpad((n * 37 % 10000)::text, 4, '0'),
  n * 1234.5, date '1960-01-01' + n * 97, timestamptz '2024-01-01 12:34:56+00' + n * interval '31 hours', jsonb_build_object('memo', n), (array['Oslo', 'Rome', 'Lima'])[1 + n % 3]
  from generate_series(1, 60) as n;
insert into people (id) values (61);
create table orders (id int, person_id int, mail text);
insert into orders select n, n % 60, chr(97 + n % 5) || '***@host' || n % 3 || '.test' from generate_series(1, 100) as n;
create table masked_people (${COLUMNS});
create view labels as select id, name, email as mail, lower(email) as lowered from people;
create view masked_labels as select id, name, email as mail, case when email is not null then '***' end as lowered from masked_people;
`;

const MASKS: Readonly<Record<string, MaskSpec>> = {
  email: { type: 'email' },
  ssn: { type: 'partial', keepLast: 2 },
  salary: { type: 'number', bucket: 10_000 },
  born: { type: 'date', truncate: 'year' },
  seen: { type: 'date', truncate: 'month' },
  notes: { type: 'redact' },
};

const connection = { id: 'con_1', name: 'shop', default: 'allow', opaque: 'allow' } as ConnectionPolicy;
const principal = { id: 'pri_1', name: 'bot', groups: [] } as unknown as Principal;
const masking = Object.entries(MASKS).map(
  ([column, mask]): MaskingRule => ({
    name: column,
    connections: ['*'],
    columns: [`public.people.${column}`],
    detect: [],
    mask,
    inference: 'masked',
    exceptGroups: [],
    mode: 'enforce',
  }),
);

let database: TestDatabase;
let client: pg.Client;
let catalog: CatalogSnapshot;
let masks: MaskIndex;
const RAW = { getTypeParser: () => (cell: unknown) => cell };

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(SCHEMA);
  catalog = await loadCatalog(client);
  masks = maskedColumnsFor({ masking, connection, principal, catalog });
  // The other table holds what the gateway would make of each value.
  const { rows, fields } = await client.query<Record<string, string | null>>({ text: 'select * from people', types: RAW });
  for (const row of rows) {
    const cells = fields.map(({ name, dataTypeID }) => {
      const spec = MASKS[name];
      const value = row[name];
      if (spec === undefined || value == null) return value;
      const out = new CellOut(16);
      const mask = cellMaskFor({ spec, typeOid: dataTypeID, format: 0, types: catalog.types, hashKey: Buffer.alloc(32) });
      return mask(Buffer.from(value), 0, Buffer.byteLength(value), out) ? out.bytes.toString('utf8', 0, out.length) : null;
    });
    await client.query(`insert into masked_people values (${cells.map((_, i) => `$${i + 1}`).join(', ')})`, cells);
  }
  await client.query('analyze');
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

function forwarded(sql: string): string {
  const { forward, action, statements } = judge(sql, {
    connection,
    principal,
    policy: { version: 1, connections: new Map(), access: [], rules: [], masking },
    catalog,
    masks,
    now: new Date(0),
  });
  if (forward === undefined || action !== 'allow') throw new Error(`${sql}: ${action} ${JSON.stringify(statements[0]?.touch)}`);
  return forward.text;
}

/** One for each class of operator; `people` is the masked table, in the other run the one that holds masked values. */
const QUERIES: readonly string[] = [
  'select * from people order by id',
  'table people order by id',
  'select p.* from only people as p order by p.id',
  'select p from people p order by id',
  `select id, email like 'a%', email not ilike '%HOST1%' from people order by id`,
  `select id from people where email like '%host1.test' order by id`,
  `select id from people where email = 'auser5@host2.test'`,
  `select id from people where email = 'a***@host2.test' order by id`,
  `select id from people where email in ('a***@host2.test', 'b***@host0.test') order by id`,
  `select id from people where ssn ~ '^\\*{3}-\\*{2}-\\*{2}1' order by id`,
  `select id, regexp_replace(ssn, '\\d', '#', 'g') from people order by id`,
  'select id from people where salary > 30000 order by id',
  `select id from people where salary between 10000 and 20000 order by id`,
  `select id from people where born < '1970-06-01' order by id`,
  `select id from people where seen >= '2024-02-01' order by id`,
  'select id from people where email is null order by id',
  'select id, email from people order by email nulls first, id',
  'select email, count(*) from people group by email order by email',
  'select city, min(email), max(salary), avg(salary), count(distinct ssn) from people group by city order by city',
  'select email, count(*) from people group by 1 having count(*) > 3 and min(salary) < 20000 order by 1',
  'select distinct born from people order by 1',
  'select distinct on (email) email, id from people order by email, id',
  'select id, rank() over (partition by email order by salary, id), lag(ssn) over (order by id) from people order by id',
  'select a.id, b.id from people a join people b on a.email = b.email and a.id < b.id order by 1, 2',
  'select o.id, p.id from orders o join people p on o.mail = p.email order by 1, 2',
  'select o.id, p.email from orders o left join people p on p.id = o.person_id and p.salary < o.id * 1000 order by 1',
  'select count(*) from people natural join (select email from people) x',
  'select count(*) from people a join people b using (salary)',
  'select id, upper(email), email || ssn, salary * 2, length(ssn), notes ->> 0 from people order by id',
  `select id, case when salary > 40000 then email else ssn end from people order by id`,
  'select string_agg(email, chr(44) order by ssn, id) from people',
  `select array_agg(salary order by salary), json_agg(email order by id), percentile_disc(0.5) within group (order by salary) from people`,
  'select id, (select count(*) from people i where i.salary < o.salary) from people o order by id',
  'select id from people where email = any (select email from people where salary > 60000) order by id',
  'with w as (select email, salary from people), x as (select * from w where salary > 20000) select email from x order by 1',
  'with recursive r (email, n) as (select min(email), 1 from people union select (select min(email) from people where email > r.email), n + 1 from r where n < 20) select * from r order by n',
  'select email from people union select mail from orders order by 1',
  'select email from people except select email from people where born > $$1965-01-01$$ order by 1',
  'select * from (select email e, salary from people) s where e > $$b$$ order by 1, 2',
  'select l.* from people p, lateral (select p.email || p.id as x, p.salary) l order by 1',
  'select id, row_to_json(people) from people order by id',
  'select id, to_jsonb(p) - $$name$$, (p).email, p.ssn from people p order by id',
  'select x.email from people as x (a, b, email) order by a',
  'select public.people.email from public.people order by id',
  'select width_bucket(salary, 0, 100000, 10), count(*) from people group by 1 order by 1',
  'select extract(year from born), count(*) filter (where salary > 1) from people group by rollup (1) order by 1',
  'select mail, lowered, upper(mail) from labels order by id',
  `select id from labels where mail < 'c' order by id limit 7`,
];

describe('every operator sees masked values', () => {
  test.each(QUERIES)('%s', async (sql) => {
    const own = await client.query({ text: forwarded(sql), rowMode: 'array', types: RAW });
    const masked = await client.query({
      text: sql.replace(/\b(?=(people|labels)\b)(?<!as )/g, 'masked_'),
      rowMode: 'array',
      types: RAW,
    });
    expect(masked.rows.length).toBeGreaterThanOrEqual(sql.includes('auser5') ? 0 : 1);
    expect(own.rows).toEqual(masked.rows);
  });

  test('no masked column has an origin: what it shows is computed', async () => {
    const { fields } = await client.query(forwarded('select * from people'));
    for (const { name, tableID } of fields) expect([name, tableID === 0]).toEqual([name, MASKS[name] !== undefined]);
  });

  test('a primary key still finds its row by the index', async () => {
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain (costs off) ${forwarded('select email from people where id = 5')}`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join()).toMatch(/Index Scan using people_pkey|Seq Scan/);
  });

  test('what is stored elsewhere is masked', async () => {
    await client.query(forwarded('create temporary table kept as select id, email, salary from people'));
    const { rows } = await client.query('select id, email, salary from kept order by id');
    expect(rows).toEqual((await client.query('select id, email, salary from masked_people order by id')).rows);
  });

  test('names that are found first do not change what a mask is', async () => {
    const sql = forwarded('select email, ssn, salary from people order by id');
    const before = (await client.query(sql)).rows;
    await client.query(`create schema first; create function first.left(text, int) returns text language sql as 'select $1';
      create function first.regexp_replace(text, text, text, text) returns text language sql as 'select $1';
      create function first.pick(text, text) returns text language sql as 'select $2'; create operator first.|| (leftarg = text, rightarg = text, function = first.pick);
      create domain first.text as pg_catalog.text; set search_path = first, pg_catalog, public`);
    try {
      expect((await client.query(sql)).rows).toEqual(before);
    } finally {
      await client.query('set search_path = public');
    }
  });
});
