import { spawnSync } from 'node:child_process';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ask, letters, type Peers, peers, play, requestOf, same, words } from '../protocol/peers';
import {
  bind,
  describePortal,
  execute,
  fieldsOf,
  flush,
  type Message,
  parse,
  simpleQuery,
  statusOf,
  sync,
  type WireClient,
} from '../wireClient';

const AFFECTED = 'traps-affected';
const ASKED = 'traps-asked';
/** At most this many rows, triggers and cascades included. */
const MAX = 3;
const p: Peers = peers({
  connections: { [AFFECTED]: {}, [ASKED]: {} },
  rules: [
    { name: 'traps-blast', connections: [AFFECTED], match: { maxAffectedRows: MAX }, action: 'deny', message: 'Ask the dba.' },
    {
      ...{ name: 'traps-ask-above', connections: [ASKED], match: { statements: ['UPDATE'], maxAffectedRows: MAX }, action: 'hold' },
      approval: { groups: ['dba'], count: 1, expiresIn: '5m' },
    },
  ],
  without: ['review-mass-writes'],
});
const on = { connection: AFFECTED };

/** Fails at the server; its counterpart is rolled back by the gateway at the same place. */
const TEN = 'id IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)';
const FAILS = `UPDATE numbers SET n = n / 0 WHERE ${TEN}`;
const ABOVE = `UPDATE numbers SET n = n + 1 WHERE ${TEN}`;
const insert = (id: number) => `INSERT INTO notes VALUES (${id}, 'note ${id}')`;
const run = (sql: string) => [parse(sql), bind(), describePortal(), execute()];

let opened: WireClient[] = [];
async function gateway(): Promise<WireClient> {
  const client = await p.gateway(AFFECTED);
  opened.push(client);
  return client;
}
/** What a failed test leaves open would lock the tables of the next. */
afterEach(() => {
  for (const client of opened) client.close();
  opened = [];
});

beforeAll(async () => {
  await p.root.query(`SET ROLE traps_app;
    CREATE TABLE numbers (id int PRIMARY KEY, n int);
    CREATE TABLE parents (id int PRIMARY KEY);
    CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
    CREATE TABLE watched (id int PRIMARY KEY);
    CREATE TABLE watch_log (id int);
    CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO watch_log VALUES (NEW.id), (NEW.id); RETURN NEW; END $$;
    CREATE TRIGGER log_it AFTER INSERT ON watched FOR EACH ROW EXECUTE FUNCTION log_it();
    CREATE FUNCTION add_many(many int) RETURNS int LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO watch_log SELECT g FROM generate_series(1, many) g; RETURN many; END $$;
    CREATE FUNCTION add_one(id int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO watch_log VALUES (id); RETURN id; END $$;
    RESET ROLE`);
});

beforeEach(async () => {
  await p.root.query(`TRUNCATE notes, numbers, parents, children, watched, watch_log;
    INSERT INTO numbers SELECT g, g FROM generate_series(1, 10) g;
    INSERT INTO parents VALUES (1), (2);
    INSERT INTO children SELECT g, 1 FROM generate_series(1, 5) g`);
});

const errorOf = (messages: readonly Message[]) => {
  const message = messages.find(({ type }) => type === 'E');
  return message === undefined ? null : fieldsOf(message);
};

describe('within the limit a client cannot tell', () => {
  test.each([
    ['an insert', [simpleQuery(insert(1))]],
    [
      'what it returns',
      [simpleQuery(`${insert(1)} RETURNING *`), simpleQuery('UPDATE notes SET word = $$x$$ WHERE id = 1 RETURNING id, word')],
    ],
    ['nothing changed', [simpleQuery('DELETE FROM notes WHERE id = 99 RETURNING *')]],
    ['a CTE', [simpleQuery(`WITH made AS (${insert(1)} RETURNING id) SELECT id + 1 FROM made`)]],
    ['ON CONFLICT', [simpleQuery(insert(1)), simpleQuery(`${insert(1)} ON CONFLICT (id) DO UPDATE SET word = 'again'`)]],
    [
      'MERGE',
      [
        simpleQuery(
          'MERGE INTO notes USING (VALUES (1), (2)) AS v(id) ON v.id = notes.id WHEN NOT MATCHED THEN INSERT VALUES (v.id, $$m$$)',
        ),
      ],
    ],
    ['several in one text', [simpleQuery(`${insert(1)}; SELECT 1; ${insert(2)}; SELECT count(*) FROM notes`)]],
    ['several, and one fails', [simpleQuery(`${insert(1)}; ${insert(2)}; ${insert(1)}; SELECT 1`)]],
    ['several, and one is no statement of this database', [simpleQuery(`${insert(1)};\n  SELECT nothing_such; ${insert(3)}`)]],
    ['a transaction in one text', [simpleQuery(`BEGIN; ${insert(1)}; COMMIT; ${insert(2)}`), simpleQuery('SELECT * FROM notes')]],
    ['BEGIN behind it', [simpleQuery(`${insert(1)}; BEGIN; ${insert(2)}`), simpleQuery('ROLLBACK'), simpleQuery('SELECT * FROM notes')]],
    ['COMMIT outside a transaction', [simpleQuery(`${insert(1)}; COMMIT; ${insert(2)}; ROLLBACK; SELECT * FROM notes`)]],
    [
      'a transaction',
      [
        simpleQuery('BEGIN'),
        simpleQuery(insert(1)),
        simpleQuery('SAVEPOINT a'),
        simpleQuery(insert(1)),
        simpleQuery('ROLLBACK TO a'),
        simpleQuery(insert(2)),
        simpleQuery('COMMIT'),
      ],
    ],
    [
      'a failed transaction',
      [simpleQuery('BEGIN'), simpleQuery('SELECT 1/0'), simpleQuery(insert(1)), simpleQuery(`ROLLBACK; ${insert(2)}`)],
    ],
    ['a pipeline', [...run(insert(1)), ...run(insert(2)), ...run('SELECT * FROM notes'), sync()]],
    ['a pipeline with flushes', [...run(insert(1)), flush(), ...run(insert(2)), flush(), sync()]],
    ['a pipeline that fails', [...run(insert(1)), ...run(insert(1)), ...run(insert(2)), sync(), ...run(insert(3)), sync()]],
    [
      'a portal in slices',
      [
        simpleQuery(`INSERT INTO notes VALUES (1, 'a'), (2, 'b'), (3, 'c')`),
        parse('DELETE FROM notes WHERE id IN (1, 2, 3) RETURNING id'),
        bind(),
        execute('', 2),
        execute('', 2),
        sync(),
      ],
    ],
    [
      'EXECUTE',
      [
        simpleQuery('PREPARE ins(int) AS INSERT INTO notes VALUES ($1, $$p$$) RETURNING id'),
        simpleQuery('EXECUTE ins(1)'),
        simpleQuery('EXECUTE ins(2); EXECUTE ins(3)'),
        simpleQuery('DEALLOCATE ins'),
      ],
    ],
    [
      'a prepared statement bound twice',
      [
        parse(`${insert(5)} RETURNING id`, 's'),
        bind('s'),
        execute(),
        sync(),
        bind('s'),
        execute(),
        sync(),
        simpleQuery('SELECT count(*) FROM notes'),
      ],
    ],
    [
      'EXPLAIN ANALYZE',
      [simpleQuery(`EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) ${insert(1)}`), simpleQuery('SELECT * FROM notes')],
    ],
    ['COPY of what is returned', [simpleQuery(`COPY (${insert(1)} RETURNING id) TO STDOUT`)]],
    ['the unnamed statement afterwards', [parse('SELECT 7'), sync(), simpleQuery(insert(1)), bind(), execute(), sync()]],
    ['parameters in a simple query', [simpleQuery('SELECT 1'), simpleQuery(`INSERT INTO notes VALUES (1, 'x') -- $1`)]],
    ['an isolation level behind BEGIN', [simpleQuery(`BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; ${insert(1)}; COMMIT`)]],
    ['a statement that PostgreSQL ignores', [parse('SELECT nothing_such'), simpleQuery(insert(1)), sync(), simpleQuery(insert(2))]],
    ['an empty text', [simpleQuery(''), simpleQuery(' ; ')]],
  ])('%s', async (_, frames) => {
    await same(p, frames, on);
  });

  test('a commit that fails is said in place of the last statement, and not behind it', async () => {
    const later = 'CREATE TEMP TABLE later (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)';
    const answer = await same(p, [simpleQuery(later), simpleQuery('INSERT INTO later VALUES (1), (1)')], { ...on, anyError: true });
    expect(letters(answer)).toMatch(/^CZEZ/);
  });

  test.each([
    ['VACUUM', 'VACUUM notes'],
    ['DISCARD ALL', 'DISCARD ALL'],
    ['CREATE INDEX CONCURRENTLY', 'CREATE INDEX CONCURRENTLY ON notes (word)'],
  ])('what must not run in a transaction block runs alone, and not beside another statement: %s', async (_, sql) => {
    const options = { ...on, anyError: true };
    await same(p, [simpleQuery(`${sql}; ${insert(1)}`), simpleQuery(`${insert(1)}; ${sql}`), simpleQuery('SELECT * FROM notes')], options);
    await same(p, [simpleQuery(sql), simpleQuery('SELECT 1')], on);
  });

  test('nothing of ours is visible to the session', async () => {
    const client = await gateway();
    await ask(client, 'BEGIN');
    await ask(client, insert(1));
    const answer = await ask(client, `${insert(2)}; SELECT name FROM pg_prepared_statements; SELECT name FROM pg_cursors WHERE name <> ''`);
    expect(letters(answer).replaceAll('T', '')).toBe('CCCZ');
    await ask(client, ABOVE);
    await ask(client, 'ROLLBACK');
    expect(letters(await ask(client, 'SELECT name FROM pg_prepared_statements'))).toBe('TCZ');
  });
});

describe('above the limit it is as if the server had failed it', () => {
  async function equal(frames: (statement: string) => Buffer[]): Promise<void> {
    const played = async (client: WireClient, statement: string) => {
      await p.root.query('TRUNCATE notes');
      const messages = await play(client, frames(statement)).finally(() => client.close());
      const { rows } = await p.root.query('SELECT id FROM notes ORDER BY id');
      return { answer: words(messages, { anyError: true }), rows };
    };
    const direct = await played(await p.direct(), FAILS);
    expect(await played(await p.gateway(AFFECTED), ABOVE)).toEqual(direct);
    expect(direct.answer.join()).toContain('E');
  }

  const places = [0, 1, 2, 3].flatMap((place) => [false, true].map((inTransaction) => ({ place, inTransaction })));
  test.each(places)('at each place of a pipeline: $place, in a transaction: $inTransaction', async ({ place, inTransaction }) => {
    const begin = inTransaction ? [...run('BEGIN'), sync(), ...run(insert(9)), sync()] : [];
    const end = [...run('SELECT 1'), sync(), simpleQuery('SELECT 2'), simpleQuery('COMMIT'), simpleQuery('SELECT 3')];
    const units = (bad: string) => [0, 1, 2, 3].map((n) => run(n === place ? bad : insert(n)));
    await equal((bad) => [...begin, ...units(bad).flat(), sync(), ...end]);
    await equal((bad) => [...begin, ...units(bad).flatMap((unit) => [...unit, flush()]), sync(), ...end]);
    await equal((bad) => [...begin, ...units(bad).flat(), simpleQuery(insert(8)), sync(), ...end]);
  });

  test.each([0, 1, 2])('at each place of a text: %s', async (place) => {
    const text = (bad: string) => [0, 1, 2].map((n) => (n === place ? bad : insert(n))).join('; ');
    await equal((bad) => [simpleQuery(text(bad)), simpleQuery('SELECT 1')]);
    await equal((bad) => [
      simpleQuery('BEGIN'),
      simpleQuery(insert(7)),
      simpleQuery(text(bad)),
      simpleQuery('SELECT 1'),
      simpleQuery('COMMIT'),
    ]);
    await equal((bad) => [simpleQuery(`BEGIN; ${insert(7)}; COMMIT; ${text(bad)}`), simpleQuery('SELECT 1')]);
    await equal((bad) => [...run(insert(6)), simpleQuery(text(bad)), simpleQuery('SELECT 1'), sync()]);
  });

  test.each<[string, (bad: string) => Buffer[]]>([
    [
      'to the client’s own savepoint',
      (bad) => [
        simpleQuery('BEGIN; SAVEPOINT s'),
        simpleQuery(bad),
        simpleQuery('ROLLBACK TO s'),
        simpleQuery(insert(1)),
        simpleQuery('COMMIT'),
      ],
    ],
    ['in a failed transaction', (bad) => [simpleQuery('BEGIN'), simpleQuery('SELECT 1/0'), simpleQuery(bad), simpleQuery('ROLLBACK')]],
    ['by EXECUTE', (bad) => [simpleQuery(`PREPARE up AS ${bad}`), simpleQuery('EXECUTE up'), simpleQuery('DEALLOCATE up')]],
    [
      'by EXECUTE in a pipeline',
      (bad) => [
        simpleQuery(`PREPARE up AS ${bad}`),
        ...run(insert(1)),
        ...run('EXECUTE up'),
        ...run(insert(2)),
        sync(),
        simpleQuery('DEALLOCATE up'),
      ],
    ],
    [
      'a bound SQL statement',
      (bad) => [simpleQuery(`PREPARE up AS ${bad}`), bind('up'), describePortal(), execute(), sync(), simpleQuery('DEALLOCATE up')],
    ],
    ['prepared before, and still there', (bad) => [parse(bad, 's'), sync(), bind('s'), execute(), sync(), bind('s'), execute(), sync()]],
  ])('%s', async (_, frames) => {
    await equal(frames);
  });
});

describe('what is counted', () => {
  test.each([
    ['rows of the statement', ABOVE, 10],
    ['cascades', 'DELETE FROM parents WHERE id = 1', 6],
    ['triggers', 'INSERT INTO watched VALUES (1), (2)', 6],
    ['a CTE', 'WITH d AS (DELETE FROM children WHERE id IN (1, 2, 3, 4, 5) RETURNING id) SELECT count(*) FROM d', 5],
    [
      'several CTEs together',
      'WITH a AS (DELETE FROM children WHERE id IN (1, 2)), b AS (UPDATE numbers SET n = 0 WHERE id IN (1, 2)) SELECT 1',
      4,
    ],
    [
      'MERGE',
      'MERGE INTO numbers USING generate_series(8, 13) AS g ON g = id AND id IN (8, 9, 10) WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (g, g)',
      6,
    ],
    [
      'ON CONFLICT',
      'INSERT INTO numbers SELECT g, g FROM generate_series(9, 12) g ON CONFLICT (id) DO UPDATE SET n = 0 WHERE numbers.id IN (9, 10)',
      4,
    ],
    ['EXPLAIN ANALYZE', `EXPLAIN ANALYZE ${ABOVE}`, 10],
    ['a function', 'SELECT add_many(7)', 7],
    ['code', 'DO $$ BEGIN PERFORM add_many(8); END $$', 8],
    ['COPY of what is returned', 'COPY (DELETE FROM children WHERE id IN (1, 2, 3, 4, 5) RETURNING id) TO STDOUT', 5],
  ])('%s', async (_, sql, rows) => {
    const client = await gateway();
    const before = await p.root.query(
      'SELECT (SELECT count(*) FROM children) + (SELECT count(*) FROM watch_log) + sum(n) AS sum FROM numbers',
    );
    const answer = await ask(client, sql);
    expect(letters(answer)).toBe('EZ');
    expect(errorOf(answer)).toMatchObject({
      C: '42501',
      M: expect.stringMatching(/^statement rolled back by rule "traps-blast" \(stm_\w+\)$/),
      D: `It changed ${rows} rows, triggers and cascades included; the rule's limit is ${MAX}. None of it stands.`,
      H: 'Ask the dba.',
      R: 'gatehouse_limits',
    });
    expect(statusOf(answer)).toBe('I');
    const after = await p.root.query(
      'SELECT (SELECT count(*) FROM children) + (SELECT count(*) FROM watch_log) + sum(n) AS sum FROM numbers',
    );
    expect(after.rows).toEqual(before.rows);
  });

  test('what earlier transactions of the session changed is no part of it', async () => {
    const client = await gateway();
    for (let i = 0; i < 5; i++) expect(letters(await ask(client, `${insert(i * 2)}; ${insert(i * 2 + 1)}`))).toBe('CCZ');
  });

  test('a function called row by row through a portal in slices is one run', async () => {
    const client = await gateway();
    client.send(parse('SELECT add_one(g) FROM generate_series(1, 10) g'), bind(), execute('', 2), execute('', 2), execute('', 2), sync());
    const answer = await client.until('Z');
    expect(letters(answer)).toBe('12DDsEZ');
    expect((await p.root.query('SELECT FROM watch_log')).rowCount).toBe(0);
  });

  test.each([
    ['a cursor over code', 'BEGIN; DECLARE c CURSOR FOR SELECT add_many(1)'],
    ['COPY FROM', 'COPY notes FROM STDIN'],
  ])('what cannot be counted is denied: %s', async (_, sql) => {
    const client = await gateway();
    expect(errorOf(await ask(client, sql))).toMatchObject({
      C: '42501',
      M: expect.stringContaining('statement denied by rule "traps-blast"'),
    });
  });

  test('hidden operators and relations of the client change no count', async () => {
    const client = await gateway();
    await ask(client, 'CREATE SCHEMA IF NOT EXISTS mine');
    await ask(client, "CREATE FUNCTION mine.less(bigint, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'");
    await ask(client, 'CREATE OPERATOR mine.+ (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = mine.less)');
    await ask(client, 'SET search_path = mine, public, pg_catalog');
    expect(errorOf(await ask(client, ABOVE))?.D).toContain('It changed 10 rows');
    await p.root.query('DROP SCHEMA mine CASCADE');
  });

  test('the record has the rows, and that they were rolled back', async () => {
    const client = await gateway();
    const mark = `m${Date.now()}_blast`;
    await ask(client, `${ABOVE} /* ${mark} */`);
    await expect
      .poll(async () => (await p.recorded(mark)).map(({ status, sqlstate, rows }) => ({ status, sqlstate, rows })))
      .toEqual([{ status: 'rolledBack', sqlstate: '42501', rows: 10 }]);
  });
});

describe('a rule that asks for approval above the limit', () => {
  const numbers = async () => (await p.root.query('SELECT sum(n)::int AS sum FROM numbers')).rows[0]?.sum as number;

  test('within it nobody is asked; above it the statement is taken back, held, and runs when it is approved', async () => {
    const client = await p.gateway(ASKED);
    opened.push(client);
    expect(letters(await ask(client, 'UPDATE numbers SET n = n WHERE id IN (1, 2, 3)'))).toBe('CZ');
    client.send(simpleQuery(ABOVE));
    const before = await client.until('N');
    expect(letters(before)).toBe('N');
    expect(await numbers()).toBe(55);
    const id = requestOf(before.at(-1));
    const request = await p.admin.approvals.get.query({ id });
    expect(request.why).toBe(`it changed 10 rows when it was tried, and was rolled back; the rule asks for approval above ${MAX}`);
    await p.admin.approvals.approve.mutate({ id });
    const answer = await client.until('Z');
    expect(words(answer.filter(({ type }) => type !== 'N'))).toEqual(['C UPDATE 10', 'Z I']);
    expect(await numbers()).toBe(65);
  });

  test('in a transaction it is rolled back, and the hint says how to ask', async () => {
    const client = await p.gateway(ASKED);
    opened.push(client);
    await ask(client, 'BEGIN');
    const answer = await ask(client, ABOVE);
    expect(errorOf(answer)).toMatchObject({ C: '42501', H: expect.stringContaining('Send the statement alone') });
    expect(statusOf(answer)).toBe('E');
    await ask(client, 'ROLLBACK');
  });
});

describe.skipIf(spawnSync('psql', ['--version']).status !== 0)('psql (needs psql on PATH)', () => {
  function psql(commands: string) {
    const { password, ...to } = p.settings(AFFECTED);
    const target = `host=${to.host} port=${to.port} dbname=${to.database} user=${to.user}`;
    const { stdout, stderr } = spawnSync('psql', ['-XAt', '-v', 'VERBOSITY=verbose', target], {
      input: commands,
      env: { ...process.env, PGPASSWORD: password },
      encoding: 'utf8',
    });
    return { stdout: stdout.trim().split('\n'), stderr };
  }

  test('a person at the prompt sees what happened, and goes on', () => {
    const { stdout, stderr } = psql(`${insert(1)} RETURNING id;
      ${ABOVE};
      SELECT sum(n) FROM numbers;
      BEGIN; ${insert(2)}; SAVEPOINT s; ${ABOVE}; ROLLBACK TO s; ${insert(3)}; COMMIT;
      SELECT count(*) FROM notes;`);
    expect(stdout).toEqual(['1', 'INSERT 0 1', '55', 'BEGIN', 'INSERT 0 1', 'SAVEPOINT', 'ROLLBACK', 'INSERT 0 1', 'COMMIT', '3']);
    expect(stderr.match(/ERROR: {2}42501: statement rolled back by rule "traps-blast"/g)).toHaveLength(2);
    expect(stderr).toContain(`DETAIL:  It changed 10 rows, triggers and cascades included; the rule's limit is ${MAX}. None of it stands.`);
  });
});
