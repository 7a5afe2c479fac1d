import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiAsAdmin } from './api';
import { directSettings, eventually, failure, open, proxySettings } from './clients';
import { CopyClient } from './copyClient';
import { sharedGateway } from './gateway';

/** The demo's masks with `inference: masked`: its customers' ssn shows the last four digits, its email the first letter and the domain. */
const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const RULES = ['customer-pii', 'customer-email'];
const ANY_SSN = /\b\d{3}-\d{2}-\d{4}\b/;

let client: Awaited<ReturnType<typeof open>>;
let direct: Awaited<ReturnType<typeof open>>;
let people: { id: number; ssn: string; email: string }[];

async function setInference(inference: 'guarded' | 'masked'): Promise<void> {
  for (const rule of await admin.masking.list.query())
    if (RULES.includes(rule.name)) await admin.masking.save.mutate({ ...rule, inference });
}

const worksAs = (masked: boolean) =>
  eventually(`inference masked: ${masked}`, async () => {
    const works = await client.query(`SELECT 1 FROM customers WHERE ssn LIKE '*%' AND email LIKE '_*%' LIMIT 1`).then(
      ({ rowCount }) => rowCount === 1,
      () => false,
    );
    return works === masked;
  });

beforeAll(async () => {
  client = await open(proxySettings(gateway));
  direct = await open(directSettings(gateway));
  people = (await direct.query<{ id: number; ssn: string; email: string }>('SELECT id, ssn, email FROM customers ORDER BY id')).rows;
  await setInference('masked');
  await worksAs(true);
});
afterAll(async () => {
  await setInference('guarded');
  await worksAs(false);
  await client.end();
  await direct.end();
});

const ssn = (value: string) => `***-**-${value.slice(-4)}`;
const email = (value: string) => `${value.slice(0, 1)}***${value.slice(value.indexOf('@'))}`;

describe('every operator sees masked values', () => {
  test.each([
    ['simple', (text: string) => ({ text })],
    ['extended', (text: string) => ({ text, values: [] })],
    ['extended, binary', (text: string) => ({ text, binary: true })],
    ['prepared', (text: string) => ({ name: text.slice(0, 60), text })],
  ])('%s', async (_name, form) => {
    const { rows } = await client.query(form('SELECT id, ssn, upper(email) AS shouted FROM customers ORDER BY ssn DESC, id LIMIT 20'));
    const expected = people
      .map((person) => ({ id: person.id, ssn: ssn(person.ssn), shouted: email(person.email).toUpperCase() }))
      .sort((a, b) => (a.ssn === b.ssn ? a.id - b.id : a.ssn < b.ssn ? 1 : -1));
    expect(rows).toEqual(expected.slice(0, 20));
  });

  test('a true value finds nothing, its mask finds all that share it', async () => {
    const [first] = people;
    if (first === undefined) throw new Error('the demo has customers');
    const find = async (value: string) =>
      (await client.query('SELECT id FROM customers WHERE ssn = $1 ORDER BY id', [value])).rows.map((row) => row.id);
    expect(await find(first.ssn)).toEqual([]);
    expect(await find(ssn(first.ssn))).toEqual(people.filter((person) => ssn(person.ssn) === ssn(first.ssn)).map(({ id }) => id));
    expect((await client.query(`SELECT id FROM customers WHERE ssn < '0' OR ssn ~ '^\\d'`)).rows.length).toBe(people.length);
    expect((await client.query(`SELECT min(email), max(ssn) FROM customers`)).rows).toEqual([
      { min: expect.stringMatching(/^.\*{3}@/), max: expect.stringMatching(/^\*{3}-\*{2}-/) },
    ]);
  });

  test('the rest of a text goes as it came', async () => {
    const results = (await client.query(`SELECT 'é' AS a; SELECT ssn FROM customers WHERE id = 1; SELECT 2 AS b`)) as unknown as {
      rows: object[];
    }[];
    expect(results.map(({ rows }) => rows)).toEqual([[{ a: 'é' }], [{ ssn: ssn(people[0]?.ssn ?? '') }], [{ b: 2 }]]);
  });

  test('cursors, PREPARE, EXPLAIN, COPY and new tables', async () => {
    await client.query('BEGIN');
    await client.query('DECLARE c CURSOR FOR SELECT ssn || id AS x FROM customers ORDER BY id');
    expect((await client.query('FETCH 2 FROM c')).rows).toEqual(people.slice(0, 2).map((person) => ({ x: ssn(person.ssn) + person.id })));
    await client.query('COMMIT');

    await client.query('PREPARE by_mask AS SELECT count(*)::int AS n FROM customers WHERE ssn LIKE $1');
    expect((await client.query(`EXECUTE by_mask ('***%')`)).rows).toEqual([{ n: people.length }]);
    await client.query('DEALLOCATE by_mask');

    const plan = (await client.query(`EXPLAIN SELECT id FROM customers WHERE email LIKE 'a%'`)).rows
      .map((row) => row['QUERY PLAN'])
      .join('\n');
    expect(plan).toContain(`~~ 'a%'`);

    const copy = await CopyClient.open(proxySettings(gateway));
    const copied = await copy.out(`COPY (SELECT ssn FROM customers WHERE ssn LIKE '*%' ORDER BY id LIMIT 2) TO STDOUT`);
    expect(String(copied)).toContain(ssn(people[0]?.ssn ?? ''));
    expect(String(copied)).not.toMatch(ANY_SSN);
    await copy.close();
  });
});

describe('where it cannot be done it is refused', () => {
  test.each([
    `UPDATE customers SET city = city WHERE ssn LIKE '1%'`,
    'SELECT ssn FROM customers WHERE id = 1 FOR UPDATE',
    'SELECT ctid, ssn FROM customers WHERE id = 1',
    'SELECT ssn FROM customers TABLESAMPLE SYSTEM (50)',
    'COPY customers TO STDOUT',
    'INSERT INTO customers (id, ssn) SELECT id + 100000, ssn FROM customers',
  ])('%s', async (sql) => {
    const error = await failure(client.query(sql));
    expect(error.code).toBe('42501');
    expect(JSON.stringify(error)).not.toMatch(ANY_SSN);
  });

  test('what reads no masked column runs as ever', async () => {
    expect((await client.query('SELECT id, ctid FROM customers WHERE id = 1 FOR UPDATE')).rowCount).toBe(1);
    expect((await client.query('UPDATE customers SET city = city WHERE id = 1')).rowCount).toBe(1);
  });
});

describe('errors stand where they stand in the client’s own text', () => {
  test.each([
    'SELECT ssn FROM customers WHERE ssn + 1 = 2',
    `SELECT '日本語😀', c.ssn, c.email FROM public.customers c JOIN customers d USING (ssn) WHERE d.city + 1 = 2`,
    `SELECT 1; SELECT ssn FROM customers WHERE ssn = 'x'; SELECT nope FROM orders`,
    'SELECT ssn + 1, ssn FROM customers',
    'SELECT (SELECT max(ssn) FROM customers i WHERE i.id < o.id), o.city * 2 FROM customers o',
    'SELECT ssn FROM customers GROUP BY email',
  ])('%s', async (sql) => {
    const single = !sql.includes(';');
    for (const form of [{ text: sql }, ...(single ? [{ text: sql, values: [] }] : [])]) {
      const [own, servers] = [await failure(client.query(form)), await failure(direct.query(form))];
      expect([own.code, own.position, own.message]).toEqual([servers.code, servers.position, servers.message]);
    }
  });
});

test('what was prepared under other masks is not run with the old ones', async () => {
  const session = await open(proxySettings(gateway));
  const kept = { name: 'kept', text: 'SELECT id, ssn FROM customers WHERE id = 5' };
  await session.query(kept);
  await session.query('PREPARE kept_too AS SELECT ssn FROM customers WHERE id = 5');
  await setInference('guarded');
  await worksAs(false);
  try {
    for (const query of [session.query(kept), session.query('EXECUTE kept_too')]) {
      const error = await failure(query);
      expect(error.message + error.detail).toMatch(/masks? .*changed/);
    }
    expect((await session.query({ ...kept, name: 'anew' })).rows).toEqual([
      { id: 5, ssn: ssn(people.find(({ id }) => id === 5)?.ssn ?? '') },
    ]);
  } finally {
    await setInference('masked');
    await worksAs(true);
    await session.end();
  }
});

test('the record has the client’s text and what was sent in its place', async () => {
  const sql = `SELECT id, email FROM customers WHERE email LIKE 'recorded%'`;
  await client.query(sql);
  const row = await eventually('the record', async () =>
    (await admin.audit.search.query({ q: 'recorded' })).items.find((item) => item.sql === sql),
  );
  const detail = await admin.audit.get.query({ id: row.id });
  expect(detail.rewritten).toMatch(
    /FROM \(SELECT "id", .* AS "email".* FROM "public"\."customers"\) AS "customers" WHERE email LIKE 'recorded%'$/,
  );
  expect(detail.maskedColumns).toEqual(['public.customers.email']);
});
