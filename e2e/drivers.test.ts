import { once } from 'node:events';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiAsAdmin, makePrincipal } from './api';
import { directSettings, eventually, failure, open, proxySettings } from './clients';
import { CopyClient } from './copyClient';
import { sharedGateway } from './gateway';

const gateway = sharedGateway();
const through = proxySettings(gateway);
const direct = directSettings(gateway);

/** One value of each of many types, none of them masked; through the gateway each must arrive as it does without. */
const TYPES = [
  'true',
  '32767::int2',
  '(-2147483648)::int4',
  '9223372036854775807::int8',
  '1.5::float4',
  "'-Infinity'::float8",
  '12345678901234567890.0123456789::numeric',
  "'NaN'::numeric",
  '99.95::money',
  "'snow ☃ and 𝕏'::text",
  "'abc'::varchar(10)",
  "'ab'::char(5)",
  '\'"x"\'::"char"',
  "'\\xdeadbeef00'::bytea",
  "'2024-02-29'::date",
  "'24:00:00'::time",
  "'12:34:56.789+05:30'::timetz",
  "'2024-02-29 12:34:56.789012'::timestamp",
  "'2024-02-29 12:34:56.789012+00'::timestamptz",
  "'1 year 2 mons 3 days 04:05:06.7'::interval",
  "'6f9619ff-8b86-d011-b42d-00cf4fc964ff'::uuid",
  '\'{"a": [1, null, "x"]}\'::json',
  '\'{"a": [1, null, "x"]}\'::jsonb',
  '\'{"x":"<y>"}\'::jsonb -> \'x\'',
  "'<a>1</a>'::xml",
  'ARRAY[[1,2],[3,NULL]]::int4[]',
  "ARRAY['a','b,c','\"']::text[]",
  "'192.168.0.1/24'::inet",
  "'10.0.0.0/8'::cidr",
  "'08:00:2b:01:02:03'::macaddr",
  "B'10110'::bit(5)",
  "B'101'::varbit",
  "'[1,10)'::int4range",
  "'{[1,3),[5,7)}'::int4multirange",
  "'(1.5,-2)'::point",
  "'((0,0),(1,1))'::box",
  "to_tsvector('simple', 'a fat cat')",
  "to_tsquery('simple', 'fat & cat')",
  "'0/16B3748'::pg_lsn",
  "'1.2'::jsonpath",
  "ROW(1, 'a', NULL)",
  'NULL::text',
  "''::text",
];

describe('node-postgres', () => {
  let client: Awaited<ReturnType<typeof open>>;
  let reference: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    client = await open(through);
    reference = await open(direct);
  });
  afterAll(async () => {
    await client.end();
    await reference.end();
  });

  for (const binary of [false, true]) {
    test(`${TYPES.length} types arrive as they do without the gateway, ${binary ? 'binary' : 'text'}`, async () => {
      const sql = `SELECT ${TYPES.map((value, i) => `${value} AS c${i}`).join(', ')}`;
      // Cells as bytes: what drivers make of them is their affair.
      const query = {
        text: sql,
        binary,
        rowMode: 'array' as const,
        types: { getTypeParser: () => (value: unknown) => Buffer.from(value as string | Buffer) },
      };
      const [mine, theirs] = [await client.query(query), await reference.query(query)];
      expect(mine.fields).toEqual(theirs.fields);
      expect(mine.rows).toEqual(theirs.rows);
      expect(mine.rows[0]).toHaveLength(TYPES.length);
    });
  }

  test('tables answer the same, with the same origins', async () => {
    for (const sql of [
      'SELECT * FROM products ORDER BY id LIMIT 50',
      'SELECT o.id, o.placed_at, i.quantity * i.unit_price AS total FROM orders o JOIN order_items i ON i.order_id = o.id AND i.order_placed_at = o.placed_at ORDER BY 1, 3 LIMIT 100',
      'SELECT status, count(*) FROM orders GROUP BY status ORDER BY status',
      'SELECT 1 WHERE false',
      'SELECT FROM products LIMIT 3',
    ]) {
      const [mine, theirs] = [await client.query(sql), await reference.query(sql)];
      expect(mine.fields, sql).toEqual(theirs.fields);
      expect(mine.rows, sql).toEqual(theirs.rows);
      expect(mine.rowCount, sql).toBe(theirs.rowCount);
    }
  });

  test('parameters of many types, and NULL', async () => {
    const values = [42, 'a\'b"c', true, null, 1.5, new Date('2024-02-29T12:00:00Z'), Buffer.from([0, 255]), ['x', 'y'], { a: 1 }];
    const text =
      'SELECT $1::int4 AS a, $2::text AS b, $3::bool AS c, $4::text AS d, $5::float8 AS e, $6::timestamptz AS f, $7::bytea AS g, $8::text[] AS h, $9::jsonb AS i';
    for (const binary of [false, true]) {
      const query: pg.QueryConfig & { binary: boolean } = { text, values, binary };
      const [mine, theirs] = [await client.query(query), await reference.query(query)];
      expect(mine.rows).toEqual(theirs.rows);
    }
    expect((await client.query(text, values)).rows[0]).toMatchObject({ a: 42, b: 'a\'b"c', c: true, d: null, e: 1.5, i: { a: 1 } });
  });

  test('a named statement is prepared once and answers each time for its own values', async () => {
    const query = { name: 'product-by-id', text: 'SELECT id, name FROM products WHERE id = $1' };
    for (const id of [1, 2, 3, 2, 1])
      expect((await client.query({ ...query, values: [id] })).rows).toEqual([expect.objectContaining({ id })]);
  });

  test('several statements in one text give several results', async () => {
    const results = (await client.query("SELECT 1 AS a; SELECT 'two' AS b; SELECT 3 AS c")) as unknown as pg.QueryResult[];
    expect(results.map((result) => result.rows)).toEqual([[{ a: 1 }], [{ b: 'two' }], [{ c: 3 }]]);
  });

  test('a transaction commits, rolls back, and returns to a savepoint', async () => {
    const stock = async () => (await reference.query('SELECT stock FROM products WHERE id = 5')).rows[0].stock as number;
    const before = await stock();
    await client.query('BEGIN');
    await client.query('UPDATE products SET stock = stock + 1 WHERE id = 5');
    expect(await stock()).toBe(before);
    await client.query('COMMIT');
    expect(await stock()).toBe(before + 1);
    await client.query('BEGIN');
    await client.query('UPDATE products SET stock = stock - 1 WHERE id = 5');
    await client.query('SAVEPOINT here');
    await client.query('UPDATE products SET stock = 0 WHERE id = 5');
    await client.query('ROLLBACK TO here');
    await client.query('COMMIT');
    expect(await stock()).toBe(before);
    await client.query('BEGIN');
    await client.query('UPDATE products SET stock = 0 WHERE id = 5');
    await client.query('ROLLBACK');
    expect(await stock()).toBe(before);
  });

  test('errors keep their fields', async () => {
    for (const sql of [
      'SELECT nothing FROM products',
      'SELECT 1/0',
      'INSERT INTO products (id, name, price, stock) VALUES (1, $$again$$, 1, 1)',
      'UPDATE products SET price = -1 WHERE id = 1',
    ]) {
      const [mine, theirs] = [await failure(client.query(sql)), await failure(reference.query(sql))];
      for (const field of ['severity', 'code', 'message', 'position', 'table', 'schema', 'column', 'constraint'] as const) {
        expect(mine[field], `${sql}: ${field}`).toBe(theirs[field]);
      }
    }
    expect((await client.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test('a syntax error is 42601, with its position where there is one', async () => {
    const error = await failure(client.query('SELEC 1'));
    expect(error.code).toBe('42601');
    expect((await client.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test('notices of the server arrive', async () => {
    client.notices.length = 0;
    await client.query('ROLLBACK');
    await eventually('a warning about no transaction', async () => client.notices.some((notice) => notice.code === '25P01'));
  });

  test('LISTEN and NOTIFY cross; a session under masks gets no payload, which may hold what another session read', async () => {
    const token = await makePrincipal(apiAsAdmin(gateway), {
      name: 'e2e-listener',
      kind: 'human',
      groups: ['support', 'pii-cleared'],
      email: 'listener@example.com',
    });
    const cleared = await open({ ...through, user: 'e2e-listener', password: token });
    const heard = [client, cleared].map((listener) => once(listener, 'notification'));
    for (const listener of [client, cleared]) await listener.query('LISTEN e2e_channel');
    await reference.query("NOTIFY e2e_channel, 'hello'");
    const messages = (await Promise.all(heard)).map(([message]) => message as pg.Notification);
    expect(messages.map(({ channel, payload }) => ({ channel, payload }))).toEqual([
      { channel: 'e2e_channel', payload: '' },
      { channel: 'e2e_channel', payload: 'hello' },
    ]);
    await client.query('UNLISTEN *');
    await cleared.end();
  });

  test('cancel ends a running statement with 57014 and the session lives', async () => {
    const victim = await open(through);
    const slow = failure(victim.query('SELECT pg_sleep(30)'));
    await eventually('the statement runs upstream', async () => {
      const { rows } = await reference.query(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()",
      );
      return rows.length > 0;
    });
    await cancel(victim);
    expect((await slow).code).toBe('57014');
    expect((await victim.query('SELECT 2 AS alive')).rows).toEqual([{ alive: 2 }]);
    // A late cancel hits nothing.
    await cancel(victim);
    expect((await victim.query('SELECT 3 AS alive')).rows).toEqual([{ alive: 3 }]);
    await victim.end();
  });

  test('fifty thousand rows stream through', async () => {
    const { rows } = await client.query("SELECT g AS id, repeat('x', 40) || g AS pad FROM generate_series(1, 50000) AS g");
    expect(rows).toHaveLength(50_000);
    expect(rows[49_999]).toEqual({ id: 50_000, pad: `${'x'.repeat(40)}50000` });
  });

  test('COPY out and COPY in of an unmasked table, in text and CSV', async () => {
    const copy = await CopyClient.open(through);
    const referenceCopy = await CopyClient.open(direct);
    try {
      for (const form of ['', ' WITH (FORMAT csv, HEADER)', ' WITH (FORMAT binary)']) {
        const sql = `COPY (SELECT id, name, price FROM products ORDER BY id) TO STDOUT${form}`;
        expect((await copy.out(sql)).equals(await referenceCopy.out(sql)), sql).toBe(true);
      }
      await reference.query('DROP TABLE IF EXISTS copied; CREATE TABLE copied (id int, name text); GRANT ALL ON copied TO shop_app');
      expect(await copy.in('COPY copied FROM STDIN', Buffer.from('1\tone\n2\t\\N\n3\ttab\\there\n'))).toBe('COPY 3');
      expect((await reference.query('SELECT * FROM copied ORDER BY id')).rows).toEqual([
        { id: 1, name: 'one' },
        { id: 2, name: null },
        { id: 3, name: 'tab\there' },
      ]);
      expect((await failure(copy.in('COPY copied FROM STDIN', Buffer.from('x\ty\n')))).code).toBe('22P02');
      expect((await failure(copy.in('COPY copied FROM STDIN', 'fail'))).code).toBe('57014');
      expect(await copy.in('COPY copied FROM STDIN (FORMAT csv)', Buffer.from('4,four\n'))).toBe('COPY 1');
    } finally {
      await reference.query('DROP TABLE IF EXISTS copied');
      await copy.close();
      await referenceCopy.close();
    }
  });

  async function cancel(client: pg.Client): Promise<void> {
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const canceller = new pg.Connection();
    const done = once(canceller, 'end');
    (canceller as unknown as { connect(port: number, host: string): void }).connect(through.port, through.host);
    await once(canceller, 'connect');
    (canceller as unknown as { cancel(pid: number, key: number): void }).cancel(processID, secretKey);
    await done;
  }
});

describe('postgres.js', () => {
  const settings = { max: 1, onnotice: () => undefined, connect_timeout: 10 };
  const mine = postgres({
    ...settings,
    host: through.host,
    port: through.port,
    user: through.user,
    password: through.password,
    database: through.database,
  });
  const theirs = postgres({
    ...settings,
    host: direct.host,
    port: direct.port,
    user: direct.user,
    password: direct.password,
    database: direct.database,
  });
  afterAll(async () => {
    await mine.end({ timeout: 2 });
    await theirs.end({ timeout: 2 });
  });

  test(`${TYPES.length} types arrive as they do without the gateway`, async () => {
    const sql = `SELECT ${TYPES.map((value, i) => `${value} AS c${i}`).join(', ')}`;
    expect([...(await mine.unsafe(sql))]).toEqual([...(await theirs.unsafe(sql))]);
  });

  test('tagged statements with parameters, prepared and repeated', async () => {
    for (const id of [1, 2, 1]) {
      const rows = await mine`SELECT id, name FROM products WHERE id = ${id} OR name = ${'nobody'}`;
      expect([...rows]).toEqual([...(await theirs`SELECT id, name FROM products WHERE id = ${id} OR name = ${'nobody'}`)]);
    }
  });

  test('a pipeline in a transaction', async () => {
    const results = await mine.begin((sql) => [
      sql`SELECT 1 AS a`,
      sql`SELECT ${'x'}::text AS b`,
      sql`SELECT count(*)::int AS c FROM products`,
    ]);
    expect(results.map((rows) => rows[0])).toEqual([{ a: 1 }, { b: 'x' }, { c: expect.any(Number) }]);
  });

  test('a cursor reads in portions', async () => {
    const sizes: number[] = [];
    await mine`SELECT generate_series(1, 25) AS n`.cursor(10, (rows) => {
      sizes.push(rows.length);
    });
    expect(sizes).toEqual([10, 10, 5]);
  });

  test('an error inside a transaction rolls back and the connection is reused', async () => {
    const error = await failure(
      mine.begin(async (sql) => {
        await sql`UPDATE products SET stock = 0 WHERE id = 6`;
        await sql`SELECT 1/0`;
      }),
    );
    expect(error.code).toBe('22012');
    expect([...(await mine`SELECT stock > 0 OR stock = 0 AS alive FROM products WHERE id = 6`)]).toEqual([{ alive: true }]);
    expect([...(await mine`SELECT stock FROM products WHERE id = 6`)]).toEqual([
      ...(await theirs`SELECT stock FROM products WHERE id = 6`),
    ]);
  });

  test('COPY streams both ways', async () => {
    await theirs.unsafe('DROP TABLE IF EXISTS copied_js; CREATE TABLE copied_js (id int); GRANT ALL ON copied_js TO shop_app');
    try {
      const input = await mine`COPY copied_js FROM STDIN`.writable();
      input.write('1\n2\n');
      input.end('3\n');
      await once(input, 'finish');
      expect([...(await theirs`SELECT sum(id)::int AS sum FROM copied_js`)]).toEqual([{ sum: 6 }]);
      let text = '';
      for await (const chunk of await mine`COPY copied_js TO STDOUT`.readable()) text += String(chunk);
      expect(text).toBe('1\n2\n3\n');
    } finally {
      await theirs.unsafe('DROP TABLE IF EXISTS copied_js');
    }
  });
});
