import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import type { Inference } from '../../db/schema/shapes';
import { loadCatalog } from '../catalog/load';
import type { CatalogSnapshot } from '../catalog/types';
import { judge } from '../policy/judge';
import type { ConnectionPolicy, Principal } from '../policy/types';
import { loadParser } from '../sql/parse';
import { adviceFor } from './advice';
import { type MaskIndex, maskedColumnsFor } from './columns';
import { explainOutputs, originWords } from './explain';

const SCHEMA = `
create table people (id int primary key, name text, email text unique, ssn text unique, born date, salary int,
  email_lower text generated always as (lower(email)) stored);
create table vip (hotline text) inherits (people);
create table cards (id int primary key, ssn text references people(ssn));
create table audit_log (id serial primary key, row_before jsonb);
create table events (at date, ip text) partition by range (at);
create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
create view contacts as select id, email as reach_at, name from people;
create view contacts_2 as select id, reach_at as address from contacts;
create view labels as select '<' || email || '>' as label from people;
create materialized view people_mv as select email as addr from people;
create function log_people() returns trigger language plpgsql as $$ begin insert into audit_log(row_before) values (to_jsonb(old)); return old; end $$;
create trigger log_people after delete on people for each row execute function log_people();
`;
const connection = { id: 'con_1', name: 'shop', default: 'allow', opaque: 'hold' } as ConnectionPolicy;
const principal = { id: 'pri_1', name: 'bot', groups: [] } as unknown as Principal;

let database: TestDatabase;
let catalog: CatalogSnapshot;

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(SCHEMA);
  catalog = await loadCatalog(client);
  await client.end();
}, 60_000);
afterAll(() => database.drop());

function masksUnder(inference: Inference): MaskIndex {
  const common = { connections: [], detect: [], inference, exceptGroups: [], mode: 'enforce' as const };
  const masking = [
    { ...common, name: 'pii', columns: ['people.email', 'people.ssn'], mask: { type: 'partial' as const, keepLast: 4 } },
    { ...common, name: 'pay', columns: ['people.salary', 'events_2025.ip'], mask: { type: 'redact' as const } },
    { ...common, name: 'born', columns: ['people.born'], mask: { type: 'email' as const } },
  ];
  return maskedColumnsFor({ masking, connection, principal, catalog });
}

function touchOf(sql: string, inference: Inference = 'guarded') {
  const masks = masksUnder(inference);
  const policy = { version: 1, connections: new Map(), access: [], rules: [], masking: [] };
  const [statement] = judge(sql, { connection, principal, policy, catalog, masks, now: new Date(0) }).statements;
  if (statement === undefined) throw new Error('no statement');
  return { touch: statement.touch, masks };
}

function explained(sql: string) {
  const { touch, masks } = touchOf(sql);
  return explainOutputs(touch, masks, catalog.types)?.map(({ name, leaves, because }) => `${name} | ${leaves} | ${because}`) ?? null;
}

describe('what an output column leaves as, and why', () => {
  test.each<[string, string[]]>([
    ['SELECT id, email FROM people', ['id | as it is | –', 'email | partial, last 4 | public.people.email, rule pii (copied)']],
    ['SELECT lower(email) FROM people', ['lower | redacted | computed from public.people.email, rule pii']],
    ['SELECT reach_at FROM contacts', ['reach_at | partial, last 4 | public.contacts.reach_at → public.people.email, rule pii (copied)']],
    [
      'SELECT address AS a FROM contacts_2',
      ['a | partial, last 4 | public.contacts_2.address → public.contacts.reach_at → public.people.email, rule pii (copied)'],
    ],
    ['SELECT label FROM labels', ['label | redacted | computed from public.labels.label → public.people.email, rule pii']],
    ['SELECT addr FROM people_mv', ['addr | partial, last 4 | public.people_mv.addr → public.people.email, rule pii (copied)']],
    ['SELECT ssn FROM cards', ['ssn | partial, last 4 | public.cards.ssn → public.people.ssn (foreign key), rule pii (copied)']],
    ['SELECT email FROM vip', ['email | partial, last 4 | public.vip.email → public.people.email (child), rule pii (copied)']],
    ['SELECT ip FROM events', ['ip | redacted | public.events.ip → public.events_2025.ip (parent), rule pay (copied)']],
    ['SELECT salary FROM people', ['salary | redacted, as NULL | public.people.salary, rule pay (copied)']],
    ['SELECT born FROM people', ['born | NULL, since email does not fit its type | public.people.born, rule born (copied)']],
    [
      'SELECT email || salary AS x FROM people',
      ['x | redacted | computed from public.people.email and public.people.salary, rules pii, pay'],
    ],
    [
      'SELECT coalesce(email) AS a, coalesce(salary, id) AS b FROM people UNION ALL SELECT name, 1 FROM people',
      ['a | partial, last 4 | public.people.email, rule pii (copied)', 'b | redacted, as NULL | public.people.salary, rule pay (copied)'],
    ],
    [
      'SELECT email FROM people UNION ALL SELECT ip FROM events_2025',
      ['email | redacted | public.people.email and public.events_2025.ip, rules pii, pay (copied, and their masks differ)'],
    ],
    [
      'SELECT c FROM contacts c',
      [
        'c | redacted, as NULL | computed from public.contacts.reach_at → public.people.email, rule pii; list the columns instead of the whole row',
      ],
    ],
    ['SELECT count(ssn) FROM people', ['count | as it is | –']],
    ["UPDATE people SET name = 'x' WHERE id = 1", []],
  ])('%s', (sql, rows) => {
    expect(explained(sql)).toEqual(rows);
  });

  test.each(['SELECT name FROM people', 'EXPLAIN SELECT email FROM people', 'SELECT id FROM people ORDER BY email'])(
    '%s has no rows',
    (sql) => expect(explained(sql)).toBeNull(),
  );
});

test('every masked column says how the mask reached it', () => {
  const why = Object.fromEntries(masksUnder('guarded').all.map((mask) => [mask.column, originWords(mask.origin)]));
  expect(why).toMatchObject({
    'public.people.email': 'named by the rule',
    'public.people.email_lower': 'generated from public.people.email',
    'public.vip.ssn': 'child of public.people.ssn',
    'public.events.ip': 'parent of public.events_2025.ip',
    'public.cards.ssn': 'foreign key to public.people.ssn',
    'public.contacts.reach_at': 'view of public.people.email',
    'public.contacts_2.address': 'view of public.contacts.reach_at',
    'public.people_mv.addr': 'view of public.people.email',
    'public.audit_log.row_before': 'written by trigger of public.people',
  });
});

const OPEN = 'or ask an administrator for inference: open on masking rule "pii".';
const GUARDED = 'or ask an administrator for inference: guarded on masking rule "pii".';

describe('what to write instead of what is refused', () => {
  test.each<[string, Inference, string | null]>([
    ["SELECT id FROM people WHERE email LIKE 'a%'", 'guarded', `Compare with = instead of LIKE, ${OPEN}`],
    ["SELECT id FROM people WHERE email ~ 'a'", 'guarded', `Compare with = instead of ~, ${OPEN}`],
    ["SELECT id FROM people WHERE email < 'a'", 'guarded', `Compare with = or IN instead of <, ${OPEN}`],
    ["SELECT id FROM people WHERE email BETWEEN 'a' AND 'b'", 'guarded', `Compare with = or IN instead of BETWEEN, ${OPEN}`],
    ["SELECT id FROM people WHERE lower(email) = 'a'", 'guarded', `Compare the column itself with =, without lower(), ${OPEN}`],
    [
      'SELECT id FROM people WHERE email = name',
      'guarded',
      `Compare the column itself with constants, parameters or another masked column, ${OPEN}`,
    ],
    ["SELECT id FROM people WHERE email = 'a'", 'closed', `Leave the masked column out of conditions, ${GUARDED}`],
    ["SELECT id FROM people WHERE email LIKE 'a'", 'closed', `Leave the masked column out of conditions, ${OPEN}`],
    ['SELECT id FROM people ORDER BY email', 'guarded', `Order by a column that is not masked, ${OPEN}`],
    ['SELECT email FROM people GROUP BY email', 'guarded', `Group by a column that is not masked, ${OPEN}`],
    ['SELECT DISTINCT email FROM people', 'guarded', `Leave the masked column out of a SELECT DISTINCT, ${OPEN}`],
    ['SELECT email FROM people UNION SELECT name FROM people', 'guarded', `Use UNION ALL instead of UNION, ${OPEN}`],
    ['SELECT email FROM people EXCEPT SELECT name FROM people', 'guarded', `Leave the masked column out of what EXCEPT compares, ${OPEN}`],
    [
      'SELECT rank() OVER (ORDER BY email) FROM people',
      'guarded',
      `Partition and order the window by columns that are not masked, ${OPEN}`,
    ],
    [
      "EXPLAIN SELECT id FROM people WHERE email = 'a'",
      'guarded',
      `Run EXPLAIN without the masked column in conditions, groups and order, ${OPEN}`,
    ],
    ['SELECT ssn::int FROM people', 'guarded', `Use the column without a cast to int4, ${OPEN}`],
    [
      `SELECT id FROM people WHERE ${Array.from({ length: 101 }, (_, i) => `email = '${i}'`).join(' OR ')}`,
      'guarded',
      'Compare with at most 100 constants in one statement.',
    ],
    ['CREATE TABLE copied AS SELECT email FROM people', 'guarded', 'Leave the masked columns out of what is stored.'],
    [
      'UPDATE people SET name = email',
      'guarded',
      'Leave the column out, or ask an administrator for a mask on people.name that shows no more.',
    ],
    ['SELECT * FROM pg_stats', 'guarded', 'Those whom no masking rule of this connection covers can read it; ask an administrator.'],
    ['SELECT email FROM people a, people b', 'guarded', 'Put the name of its table in front of the column.'],
  ])('%s under %s', (sql, inference, words) => {
    const { touch } = touchOf(sql, inference);
    expect(touch.state).toBe('unresolved');
    expect(touch.state === 'unresolved' ? adviceFor(touch.cause) : '').toBe(words);
  });

  test('names each of several rules', () => {
    const cause = { kind: 'fails', construct: 'operator /', rules: ['a', 'b'] } as const;
    expect(adviceFor(cause)).toBe(
      'Use the column without the operator /, or ask an administrator for inference: open on masking rules "a", "b".',
    );
  });

  test('says nothing where nothing plain can be said', () => expect(adviceFor(undefined)).toBeNull());
});
