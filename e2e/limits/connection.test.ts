import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { ask, letters, peers } from '../protocol/peers';
import { bind, bindValues, describePortal, execute, fieldsOf, type Message, parse, simpleQuery, statusOf, sync } from '../wireClient';

const CUT = 'traps-cut';
const TIMED = 'traps-timed';
const COSTLY = 'traps-costly';
const p = peers({
  connections: {
    [CUT]: { limits: { maxRows: 5, maxBytes: 100_000, maxSessions: 200 } },
    [TIMED]: { limits: { statementTimeout: '1s', lockTimeout: '300ms', maxSessions: 200 } },
    [COSTLY]: { limits: { maxCost: 1_000, maxSessions: 200 } },
  },
  rules: [],
});

const run = (sql: string) => [parse(sql), bind(), describePortal(), execute()];
const errorOf = (messages: readonly Message[]) => {
  const message = messages.find(({ type }) => type === 'E');
  return message === undefined ? null : fieldsOf(message);
};
const MANY = 'SELECT g FROM generate_series(1, 1000000) g';

describe('results that are cut', () => {
  const cut = { S: 'ERROR', C: '54000', M: expect.stringMatching(/^result exceeds a limit of the connection and was cut \(stm_\w+\)$/) };

  test.each([
    ['rows', MANY],
    ['bytes', "SELECT repeat('x', 60000) FROM generate_series(1, 3)"],
    ['one row of too many bytes', "SELECT repeat('x', 200000)"],
    ['one row larger than anything that is looked at', "SELECT repeat('x', 70000000)"],
    ['a table', `TABLE pg_class`],
  ])('simple: %s', async (what, sql) => {
    const client = await p.gateway(CUT);
    const answer = await ask(client, sql);
    expect(errorOf(answer)).toMatchObject(cut);
    const rows = answer.filter(({ type }) => type === 'D');
    expect(rows).toHaveLength(what === 'bytes' ? 1 : what.startsWith('one row') ? 0 : 5);
    expect(statusOf(answer)).toBe('I');
    expect(letters(await ask(client, 'SELECT 1'))).toBe('TDCZ');
  });

  test('what is as large as it may be is whole', async () => {
    const client = await p.gateway(CUT);
    expect(letters(await ask(client, 'SELECT generate_series(1, 5)'))).toBe('TDDDDDCZ');
    expect(letters(await ask(client, 'COPY (SELECT generate_series(1, 5)) TO STDOUT'))).toBe('HdddddcCZ');
    expect(letters(await ask(client, 'COPY (SELECT generate_series(1, 5)) TO STDOUT (FORMAT csv, HEADER)'))).toBe('HddddddcCZ');
    expect(letters(await ask(client, 'COPY (SELECT generate_series(1, 5)) TO STDOUT (FORMAT binary)'))).toMatch(/^Hd+cCZ$/);
  });

  test.each(['', ' (FORMAT csv, HEADER)', ' (FORMAT binary)'])('COPY TO STDOUT%s', async (options) => {
    const client = await p.gateway(CUT);
    const answer = await ask(client, `COPY (${MANY}) TO STDOUT${options}`);
    expect(errorOf(answer)).toMatchObject(cut);
    expect(answer.filter(({ type }) => type === 'd').length).toBeLessThanOrEqual(6);
    expect(letters(await ask(client, 'SELECT 1'))).toBe('TDCZ');
  });

  test('extended, and a portal in slices is one result', async () => {
    const client = await p.gateway(CUT);
    client.send(...run(MANY), sync());
    const answer = await client.until('Z');
    expect(letters(answer)).toBe('12TDDDDDEZ');
    client.send(...run('SELECT 1'), sync());
    expect(letters(await client.until('Z'))).toBe('12TDCZ');
    client.send(parse(MANY), bind(), execute('', 3), execute('', 3), execute('', 3), sync());
    expect(letters(await client.until('Z'))).toBe('12DDDsDDEZ');
  });

  test('what stands behind a cut result in its batch is ignored, and the implicit transaction is rolled back', async () => {
    await p.root.query('TRUNCATE notes');
    const client = await p.gateway(CUT);
    client.send(...run("INSERT INTO notes VALUES (1, 'a')"), ...run(MANY), ...run("INSERT INTO notes VALUES (2, 'b')"), sync());
    expect(letters(await client.until('Z'))).toBe('12nC12TDDDDDEZ');
    const texts = await ask(client, `INSERT INTO notes VALUES (3, 'c'); ${MANY}; INSERT INTO notes VALUES (4, 'd')`);
    expect(letters(texts)).toBe('CTDDDDDEZ');
    const returned = await ask(client, "INSERT INTO notes SELECT g, 'x' FROM generate_series(10, 20) g RETURNING id");
    expect(letters(returned)).toBe('TDDDDDEZ');
    client.send(...run("INSERT INTO notes SELECT g, 'x' FROM generate_series(30, 40) g RETURNING id"), sync());
    expect(letters(await client.until('Z'))).toBe('12TDDDDDEZ');
    expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(0);
  });

  test('a cursor: each FETCH is a result; in a transaction the state is the server’s own', async () => {
    const client = await p.gateway(CUT);
    await ask(client, `BEGIN; DECLARE c CURSOR FOR ${MANY}`);
    expect(letters(await ask(client, 'FETCH 5 FROM c'))).toBe('TDDDDDCZ');
    const answer = await ask(client, 'FETCH ALL FROM c');
    expect(errorOf(answer)).toMatchObject(cut);
    expect(['E', 'T']).toContain(statusOf(answer));
    const next = await ask(client, 'SELECT 1');
    expect(letters(next)).toBe(statusOf(answer) === 'E' ? 'EZ' : 'TDCZ');
    await ask(client, 'ROLLBACK');
    expect(letters(await ask(client, 'SELECT 1'))).toBe('TDCZ');
  });

  test('a driver with its pool goes on, and the record says what left', async () => {
    const pool = new pg.Pool({ ...p.settings(CUT), max: 1 });
    const mark = `m${Date.now()}_cut`;
    await expect(pool.query(`${MANY} -- ${mark}`)).rejects.toMatchObject({ code: '54000' });
    await expect(pool.query(`${MANY} WHERE g > $1 -- ${mark}`, [1])).rejects.toMatchObject({ code: '54000' });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
    await expect
      .poll(async () => (await p.recorded(mark)).map(({ sqlstate, rows }) => ({ sqlstate, rows })))
      .toEqual([
        { sqlstate: '54000', rows: 5 },
        { sqlstate: '54000', rows: 5 },
      ]);
  });
});

describe('timeouts are forced, and a client may only shorten them', () => {
  const shown = async (sql: string, parameters: Record<string, string> = {}) => {
    const client = await p.gateway(TIMED, parameters);
    const answer = await ask(client, sql);
    return errorOf(answer)?.C ?? answer.filter(({ type }) => type === 'D').map(({ body }) => body.subarray(6).toString());
  };

  test.each([
    ['as the session begins', {}, ['1s', '300ms']],
    ['none asked for in PGOPTIONS', { options: '-c statement_timeout=0 -c lock_timeout=0' }, ['1s', '300ms']],
    ['longer ones', { options: '-c statement_timeout=1h -c lock_timeout=5s' }, ['1s', '300ms']],
    ['shorter ones', { options: '-c statement_timeout=500 -c lock_timeout=100ms' }, ['500ms', '100ms']],
  ])('%s', async (_, parameters, expected) => {
    expect(await shown('SHOW statement_timeout; SHOW lock_timeout', parameters)).toEqual(expected);
  });

  test('RESET, DEFAULT and DISCARD ALL give back what the session began with', async () => {
    expect(await shown("SET statement_timeout = '20ms'; RESET statement_timeout; SHOW statement_timeout")).toEqual(['1s']);
    expect(await shown('SET lock_timeout TO 7; SET lock_timeout TO DEFAULT; SHOW lock_timeout')).toEqual(['300ms']);
    const client = await p.gateway(TIMED);
    await ask(client, 'SET statement_timeout = 10');
    await ask(client, 'DISCARD ALL');
    expect((await ask(client, 'SHOW statement_timeout'))[1]?.body.toString()).toContain('1s');
  });

  test.each([
    'SET statement_timeout = 0',
    "SET statement_timeout = '2s'",
    "SET statement_timeout = '-1'",
    "SET LOCAL statement_timeout TO '1min'",
    "SET SESSION lock_timeout = '301ms'",
    "SET lock_timeout = '0.4s'",
    'SET "Statement_Timeout" = 0',
    "SELECT set_config('statement_timeout', '0', false)",
    "SELECT set_config('statement' || '_timeout', '0', false)",
    "SELECT pg_catalog.set_config('LOCK_TIMEOUT', '5000', true)",
    'ALTER ROLE traps_app SET statement_timeout = 0',
    "ALTER DATABASE traps SET lock_timeout = '1h'",
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql SET statement_timeout = 0 AS $$ SELECT 1 $$',
    'ALTER FUNCTION pg_catalog.now() SET lock_timeout = 0',
    'PREPARE x AS SELECT set_config($$lock_timeout$$, $$0$$, false)',
  ])('refused: %s', async (sql) => {
    expect(await shown(sql)).toBe('42501');
  });

  test.each(["SET statement_timeout = '999ms'", 'SET lock_timeout = 300', "SET LOCAL statement_timeout TO '1 s'"])(
    'taken: %s',
    async (sql) => {
      expect(await shown(sql)).toEqual([]);
    },
  );

  test('a statement and a lock are waited for no longer than that', async () => {
    const client = await p.gateway(TIMED);
    expect(errorOf(await ask(client, 'SELECT pg_sleep(20)'))).toMatchObject({ C: '57014' });
    await p.root.query('BEGIN; LOCK TABLE notes');
    const startedMs = performance.now();
    expect(errorOf(await ask(client, 'SELECT * FROM notes'))).toMatchObject({ C: '55P03' });
    await p.root.query('ROLLBACK');
    expect(performance.now() - startedMs).toBeLessThan(900);
  });

  test('code that turns the timeout off gains a second', async () => {
    const client = await p.gateway(TIMED);
    await ask(client, "DO $$ BEGIN PERFORM set_config('statement_timeout', '0', false); END $$");
    const startedMs = performance.now();
    expect(errorOf(await ask(client, 'SELECT pg_sleep(20)'))).toMatchObject({ C: '57014' });
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  });
});

describe('the cost that EXPLAIN estimates', () => {
  beforeAll(async () => {
    await p.root.query(`SET ROLE traps_app; CREATE TABLE big AS SELECT g AS id, repeat('x', 100) AS pad FROM generate_series(1, 100000) g;
      CREATE INDEX ON big (id); ANALYZE big; RESET ROLE`);
  });
  const denied = { C: '42501', M: expect.stringMatching(/^statement denied because of its estimated cost \(stm_\w+\)$/) };

  test.each([
    'SELECT * FROM big',
    'INSERT INTO notes SELECT id, pad FROM big',
    'CREATE TABLE copied AS SELECT * FROM big',
    'COPY big TO STDOUT',
    'COPY (SELECT id FROM big) TO STDOUT',
    'EXPLAIN ANALYZE SELECT * FROM big',
    'BEGIN; DECLARE c CURSOR FOR SELECT * FROM big',
    "INSERT INTO notes VALUES (1, 'a'); SELECT * FROM big",
    'PREPARE all_big AS SELECT * FROM big; EXECUTE all_big',
  ])('denied: %s', async (sql) => {
    await p.root.query('TRUNCATE notes');
    const client = await p.gateway(COSTLY);
    const answer = await ask(client, sql);
    expect(errorOf(answer)).toMatchObject(denied);
    expect(errorOf(answer)?.D).toMatch(/^EXPLAIN estimates [\d,.]+; the connection's limit is 1,000\. Nothing was executed\.$/);
    await ask(client, 'ROLLBACK');
    expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(0);
    expect((await p.root.query('SELECT FROM big')).rowCount).toBe(100_000);
  });

  test.each([
    ['SELECT pad FROM big WHERE id = 7', 'TDCZ'],
    ["INSERT INTO notes VALUES (1, 'a') ON CONFLICT DO NOTHING", 'CZ'],
    ['EXPLAIN SELECT * FROM big', /^TD+CZ$/],
    ['SHOW work_mem', 'TDCZ'],
    ['VACUUM notes', 'CZ'],
    ['SELECT nothing_such', 'EZ'],
  ])('within it: %s', async (sql, expected) => {
    const client = await p.gateway(COSTLY);
    expect(letters(await ask(client, sql))).toMatch(expected);
  });

  test('errors keep their words and places', async () => {
    const [direct, client] = [await p.direct(), await p.gateway(COSTLY)];
    for (const sql of ['SELECT nothing_such FROM notes', 'SELECT 1; SELECT * FROM nowhere', 'SELECT 1/0'])
      expect(errorOf(await ask(client, sql))).toEqual(errorOf(await ask(direct, sql)));
  });

  test('by the parameters that are bound, and in the state of the transaction', async () => {
    const client = await p.gateway(COSTLY);
    const below = (value: string) => [parse('SELECT pad FROM big WHERE id < $1::int'), bindValues([value]), execute(), sync()];
    client.send(...below('3'));
    expect(letters(await client.until('Z'))).toBe('12DDCZ');
    client.send(...below('99999'));
    const answer = await client.until('Z');
    expect(letters(answer)).toBe('1EZ');
    expect(errorOf(answer)).toMatchObject(denied);
    await ask(client, 'BEGIN');
    expect(letters(await ask(client, 'CREATE TEMP TABLE own AS SELECT 1 AS id'))).toBe('CZ');
    expect(letters(await ask(client, 'SELECT * FROM own'))).toBe('TDCZ');
    expect(statusOf(await ask(client, 'SELECT * FROM big'))).toBe('E');
    client.send(simpleQuery('ROLLBACK'));
    expect(statusOf(await client.until('Z'))).toBe('I');
  });
});
