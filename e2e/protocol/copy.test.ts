import { beforeAll, describe, expect, test } from 'vitest';
import {
  bind,
  cellsOf,
  copyData,
  copyDone,
  copyFail,
  describePortal,
  describeStatement,
  execute,
  fieldsOf,
  flush,
  parse,
  simpleQuery,
  statusOf,
  sync,
  terminate,
} from '../wireClient';
import { ask, letters, MASKED, OPEN, peers, play, RULED, requestOf, SECRET, same, signIn, words } from './peers';

const p = peers();
const COPY = 'COPY notes FROM STDIN';
const asPolicy = { connection: RULED, anyError: true };
const data = (from: number, to: number) =>
  copyData(Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\tline ${from + i}\n`).join(''));
const extended = [parse(COPY), bind(), describePortal(), execute()];

beforeAll(async () => {
  await p.root.query(`
    SET ROLE traps_app;
    CREATE TABLE plain (id int, word text, price numeric, at date);
    INSERT INTO plain SELECT g, CASE WHEN g % 7 = 0 THEN NULL ELSE E'a "word",\\t\\\\N\\n\\u00e9 ' || g END, g / 3.0, '2020-01-01' FROM generate_series(1, 300) AS g;
    CREATE VIEW people_view AS SELECT id, ssn AS harmless FROM people;
    CREATE TABLE people_child () INHERITS (people);
    RESET ROLE`);
});

describe('COPY in', () => {
  test.each([
    ['to the end', [simpleQuery(COPY), data(1, 3), copyDone(), simpleQuery('SELECT 1')]],
    ['cut anywhere', [simpleQuery(COPY), copyData('1\to'), copyData('ne'), copyData('\n2\ttwo\n3\t'), copyData('three'), copyDone()]],
    ['nothing at all', [simpleQuery(COPY), copyDone()]],
    ['CopyFail', [simpleQuery(COPY), data(1, 3), copyFail('no more'), simpleQuery('SELECT 1')]],
    [
      'bad data, the client still sends',
      [simpleQuery(COPY), data(1, 2), copyData('x\ty\n'), data(3, 4), data(5, 6), copyDone(), simpleQuery('SELECT 1')],
    ],
    ['bad data, then CopyFail', [simpleQuery(COPY), copyData('x\ty\n'), data(3, 4), copyFail('enough'), simpleQuery('SELECT 1')]],
    ['a duplicate at the very end', [simpleQuery(COPY), data(1, 2), data(1, 1), copyDone(), simpleQuery('SELECT 1')]],
    [
      'in a transaction',
      [simpleQuery('BEGIN'), simpleQuery(COPY), copyData('x\n'), copyDone(), simpleQuery('SELECT 1'), simpleQuery('COMMIT')],
    ],
    ['no such table', [simpleQuery('COPY nowhere FROM STDIN'), data(1, 2), copyDone(), simpleQuery('SELECT 1')]],
    ['denied', [simpleQuery('COPY gh_deny FROM STDIN'), data(1, 2), copyDone(), simpleQuery('SELECT 1')]],
    ['denied, then CopyFail', [simpleQuery('COPY gh_deny FROM STDIN'), data(1, 2), copyFail('x'), simpleQuery('SELECT 1')]],
    [
      'denied in a transaction',
      [simpleQuery('BEGIN'), simpleQuery('COPY gh_deny FROM STDIN'), data(1, 2), copyDone(), simpleQuery('COMMIT')],
    ],
    [
      'several in one text',
      [simpleQuery(`${COPY}; SELECT 1; ${COPY}`), data(1, 2), copyDone(), data(3, 4), copyDone(), simpleQuery('SELECT 1')],
    ],
    [
      'several, the first fails',
      [simpleQuery(`${COPY}; ${COPY}`), copyData('x\n'), copyDone(), data(3, 4), copyDone(), simpleQuery('SELECT 1')],
    ],
    [
      'Flush and Sync inside',
      [simpleQuery(COPY), data(1, 2), flush(), sync(), data(3, 4), sync(), flush(), copyDone(), simpleQuery('SELECT 1')],
    ],
    ['stray messages outside', [copyData('1\n'), copyDone(), copyFail('x'), simpleQuery('SELECT 1'), copyDone(), simpleQuery('SELECT 2')]],
  ])('trap-42-copy-in-simple: %s', async (_name, frames) => {
    await same(p, frames, asPolicy);
  });

  test.each([
    ['to the end', [...extended, data(1, 3), copyDone(), sync()]],
    ['Sync in front of the data', [...extended, sync(), data(1, 3), copyDone(), sync()]],
    ['Flush and Sync between', [...extended, flush(), data(1, 2), sync(), sync(), flush(), data(3, 4), copyDone(), sync()]],
    ['CopyFail', [...extended, data(1, 2), copyFail('no more'), sync(), simpleQuery('SELECT 1')]],
    [
      'bad data, the client still sends',
      [...extended, copyData('x\n'), data(1, 3), data(4, 5), copyDone(), sync(), simpleQuery('SELECT 1')],
    ],
    [
      'bad data, and a pipeline behind',
      [...extended, copyData('x\n'), copyDone(), parse('SELECT 1'), bind(), execute(), simpleQuery('SELECT 2'), sync()],
    ],
    ['good data, and a pipeline behind', [...extended, data(1, 3), copyDone(), parse('SELECT 1'), bind(), execute(), sync()]],
    ['no such table', [parse('COPY nowhere FROM STDIN'), bind(), execute(), data(1, 2), copyDone(), sync(), simpleQuery('SELECT 1')]],
    ['denied', [parse('COPY gh_deny FROM STDIN'), bind(), execute(), data(1, 2), copyDone(), sync(), simpleQuery('SELECT 1')]],
    [
      'described first',
      [
        parse(COPY, 'c'),
        describeStatement('c'),
        bind('c'),
        execute(),
        data(1, 2),
        copyDone(),
        sync(),
        bind('c'),
        execute(),
        data(3, 4),
        copyDone(),
        sync(),
      ],
    ],
  ])('trap-42-copy-in-extended: %s', async (name, frames) => {
    // A COPY of a table that is not there fails at Execute, a denial at Parse.
    if (name === 'denied') await denied(frames);
    else await same(p, frames, asPolicy);
  });

  async function denied(frames: readonly Buffer[]) {
    const answer = await play(await p.gateway(RULED), frames);
    expect(letters(answer)).toMatch(/^EZTDCZ/);
  }

  test.each([
    ['a query', [simpleQuery('SELECT 1')]],
    ['a Parse', [parse('SELECT 1')]],
    ['a Terminate', [terminate()]],
  ])('trap-42-another-message-inside-copy: %s is an error, or the end, and never lets half a COPY stand', async (_name, frames) => {
    const run = async (client: Awaited<ReturnType<typeof p.gateway>>) => {
      await p.root.query('TRUNCATE notes');
      client.send(simpleQuery(COPY));
      await client.until('G');
      client.send(data(1, 3), ...frames);
      const errors = _name === 'a Terminate' ? [] : words((await client.until('E')).filter(({ type }) => type === 'E'));
      client.close();
      // The lock of the COPY goes when its transaction is over.
      await p.root.query('BEGIN; LOCK TABLE notes; COMMIT');
      return { errors, rows: (await p.root.query('SELECT id FROM notes')).rowCount };
    };
    const expected = await run(await p.direct());
    expect(expected.rows).toBe(0);
    expect(await run(await p.gateway())).toEqual(expected);
  });

  test('trap-42-copy-held: data sent before the approval is kept, and used', async () => {
    await p.root.query('TRUNCATE notes');
    const client = await p.gateway(RULED);
    const held = "COPY notes (id, word) FROM STDIN (NULL 'gh_hold')";
    client.send(simpleQuery(held), data(1, 3), copyDone());
    const id = requestOf((await client.until('N')).at(-1));
    expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(0);
    await p.admin.approvals.approve.mutate({ id });
    expect(letters(await client.until('Z'))).toBe('GCZ');
    expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(3);
    client.send(simpleQuery(held), data(4, 5), copyDone());
    await p.admin.approvals.reject.mutate({ id: requestOf((await client.until('N')).at(-1)), reason: 'no' });
    const rejected = await client.until('Z');
    expect([letters(rejected), statusOf(rejected)]).toEqual(['EZ', 'I']);
    expect(letters(await ask(client, 'SELECT 1'))).toBe('TDCZ');
    expect((await p.root.query('SELECT FROM notes')).rowCount).toBe(3);
  });

  test('trap-42-copy-stops-half-way: the client sends megabytes more after the error and is answered once', async () => {
    const client = await p.gateway();
    client.send(simpleQuery(COPY), copyData('x\n'));
    for (let n = 0; n < 200; n++) client.send(copyData(`${'y'.repeat(20_000)}\n`));
    client.send(copyDone(), simpleQuery("SELECT 'after'"));
    const first = await client.until('Z');
    expect(letters(first)).toBe('GEZ');
    expect(letters(await client.until('Z'))).toBe('TDCZ');
  });
});

describe('COPY out', () => {
  const formats = ['', ' (FORMAT csv, HEADER)', " (FORMAT csv, FORCE_QUOTE *, QUOTE '''', DELIMITER ';', NULL 'none')", ' (FORMAT binary)'];

  test.each(formats)('trap-43-clean-copy-out-passes: %s', async (format) => {
    for (const connection of [OPEN, MASKED]) {
      for (const source of ['plain', 'plain (word, id)', '(SELECT * FROM plain WHERE id < 10 ORDER BY id)', '(SELECT 1 WHERE false)']) {
        const sql = `COPY ${source} TO STDOUT${format}`;
        await same(p, [simpleQuery(sql), parse(sql), bind(), describePortal(), execute(), sync(), simpleQuery('SELECT 1')], { connection });
      }
    }
  });

  const sources = [
    ...['people', 'people (ssn)', 'people (name, ssn)', '(SELECT ssn FROM people)', '(SELECT * FROM people)', '(TABLE people)'],
    ...[
      '(SELECT harmless FROM people_view)',
      '(SELECT p FROM people p)',
      "(SELECT ssn || '' FROM people)",
      '(SELECT ssn FROM ONLY people)',
    ],
    ...[
      '(WITH q AS (SELECT ssn FROM people) TABLE q)',
      '(UPDATE people SET name = name WHERE id = 1 RETURNING ssn)',
      '(SELECT to_json(p) FROM people p)',
    ],
    '(SELECT max(ssn) FROM people)',
  ];
  test.each(sources)('trap-43-masked-copy-out-never-shows-a-value: %s', async (source) => {
    const client = await p.gateway(MASKED);
    for (const format of formats) {
      const sql = `COPY ${source} TO STDOUT${format}`;
      const answer = await play(client, [simpleQuery(sql), parse(sql), bind(), execute(), sync()]);
      expect(letters(answer), sql).toMatch(/^Hd+cCZ12Hd+cCZ/);
      for (const { type, body } of answer) if (type === 'd') expect(body.toString('latin1'), sql).not.toMatch(SECRET);
    }
  });

  test.each([
    "(SELECT * FROM query_to_xml('TABLE people', true, true, ''))",
    '(SELECT name FROM people ORDER BY ssn)',
    '(SELECT ssn::int FROM people)',
  ])('trap-43-masked-copy-out-refused: %s', async (source) => {
    const client = await p.gateway(MASKED);
    for (const format of formats) {
      const sql = `COPY ${source} TO STDOUT${format}`;
      const answer = await play(client, [simpleQuery(sql), parse(sql), bind(), execute(), sync()]);
      expect(letters(answer).slice(0, 4), sql).toBe('EZEZ');
      expect(fieldsOf(answer[0] ?? { type: '', body: Buffer.alloc(0) })).toMatchObject({ C: '42501' });
      expect(words(answer).join(), sql).not.toMatch(SECRET);
    }
  });

  test('trap-43-null-string-is-no-oracle: a NULL string that could be a value is refused', async () => {
    const answer = await play(await p.gateway(MASKED), [simpleQuery("COPY people (ssn) TO STDOUT (NULL '900-55-1001')")]);
    expect(letters(answer)).toMatch(/^EZ/);
  });

  test('trap-43-copy-beside-a-masked-column: other columns of the table pass, or are refused, in any case without the value', async () => {
    const answer = await play(await p.gateway(MASKED), [simpleQuery('COPY people (id, name) TO STDOUT')]);
    expect(letters(answer)).toMatch(/^(?:Hd{40}cCZ|EZ)/);
    expect(words(answer).join()).not.toMatch(SECRET);
  });

  test('trap-43-copy-in-a-prepared-name: SQL PREPARE cannot carry it in', async () => {
    const client = await p.gateway(MASKED);
    const answer = await play(client, [
      simpleQuery('PREPARE a AS SELECT ssn FROM people'),
      simpleQuery('COPY (EXECUTE a) TO STDOUT'),
      simpleQuery('BEGIN; DECLARE c CURSOR FOR SELECT ssn FROM people'),
      simpleQuery('COPY (FETCH ALL FROM c) TO STDOUT'),
    ]);
    expect(words(answer).join()).not.toMatch(SECRET);
  });
});

describe('files and programs', () => {
  test.each([
    "COPY notes TO PROGRAM 'cat'",
    "COPY notes FROM PROGRAM 'echo 1'",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "COPY notes TO '/tmp/gatehouse-traps'",
    "COPY notes FROM '/etc/hostname'",
    "EXPLAIN ANALYZE SELECT pg_read_file('/etc/hostname')",
    "SELECT pg_read_file('/etc/hostname')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/hostname')",
    "SELECT lo_export(1, '/tmp/gatehouse-traps')",
  ])('trap-44-server-side-copy-is-an-admin-effect: %s', async (sql) => {
    // The rule that denies effects file and program speaks; the server's own refusal would hide that it was not asked.
    const answer = await play(await p.gateway(RULED), [simpleQuery(sql), parse(sql), bind(), execute(), sync()]);
    const errors = answer.filter(({ type }) => type === 'E').map(fieldsOf);
    expect(letters(answer)).toMatch(/^EZEZ/);
    for (const error of errors) expect(error).toMatchObject({ C: '42501', F: 'gatehouse' });
    expect(errors[0]?.M).toMatch(/^statement (?:denied by rule "(?:traps-no-files|no-destruction)"|could not be analyzed and was denied)/);
  });

  test('trap-44-copy-to-stdout-is-none: it passes where files do not', async () => {
    expect(letters(await play(await p.gateway(RULED), [simpleQuery('COPY (SELECT 1) TO STDOUT')]))).toMatch(/^HdcCZ/);
  });
});

describe('replication', () => {
  test.each(['true', 'database', 'on', '1', 'yes', 'nonsense'])(
    'trap-45-replication-refused-at-start-up: replication=%s',
    async (replication) => {
      await expect(p.gateway(OPEN, { replication })).rejects.toMatchObject({
        code: '0A000',
        message: expect.stringContaining('replication'),
      });
    },
  );

  test.each(['false', 'off', 'no', '0'])('trap-45-replication-off-is-none: replication=%s', async (replication) => {
    expect(letters(await ask(await p.gateway(OPEN, { replication }), 'SELECT 1'))).toBe('TDCZ');
  });

  test.each([
    'IDENTIFY_SYSTEM',
    'START_REPLICATION SLOT s LOGICAL 0/0',
    'CREATE_REPLICATION_SLOT s LOGICAL pgoutput',
    'BASE_BACKUP',
    'TIMELINE_HISTORY 1',
  ])('trap-45-replication-commands-refused: %s', async (sql) => {
    await same(p, [simpleQuery(sql), parse(sql), bind(), execute(), sync(), simpleQuery('SELECT 1')]);
  });

  test.each([
    "SELECT pg_create_logical_replication_slot('s', 'test_decoding')",
    "SELECT * FROM pg_logical_slot_get_changes('s', NULL, NULL)",
    "SELECT * FROM pg_logical_slot_peek_binary_changes('s', NULL, NULL)",
    "SELECT pg_create_physical_replication_slot('s')",
  ])('trap-45-replication-functions-never-run-unseen: %s', async (sql) => {
    const client = await p.gateway(MASKED);
    client.send(simpleQuery(sql));
    const [answer] = await client.until('E', 'N', 'T');
    const said = answer && fieldsOf(answer);
    expect(said?.F, JSON.stringify(said)).toBe('gatehouse');
    client.close();
  });
});

test('trap-43-start-up-cannot-change-what-copy-means: client_encoding is ours', async () => {
  await expect(signIn({ ...p.settings(OPEN), parameters: { client_encoding: 'LATIN1' } })).rejects.toMatchObject({ code: '0A000' });
  const client = await p.gateway(OPEN);
  const rows = (await ask(client, 'SHOW client_encoding')).filter(({ type }) => type === 'D');
  expect(rows.map(cellsOf)).toEqual([['UTF8']]);
});
