import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiAsAdmin, makePrincipal } from './api';
import { directSettings, eventually, failure, open, proxySettings } from './clients';
import { CopyClient } from './copyClient';
import { sharedGateway } from './gateway';
import { bind, cellsOf, describePortal, execute, type Message, parse, simpleQuery, sync, WireClient } from './wireClient';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const CARD = '4111 1111 1111 1111';
const RULE = 'e2e-anywhere';

let direct: Awaited<ReturnType<typeof open>>;
/** Under the rule, and excepted from it. */
let looked: ReturnType<typeof proxySettings>;
let cleared: ReturnType<typeof proxySettings>;

beforeAll(async () => {
  direct = await open(directSettings(gateway));
  await direct.query(`
    DROP TABLE IF EXISTS e2e_notes;
    CREATE TABLE e2e_notes (id int PRIMARY KEY, note text, doc jsonb, tags text[], amount numeric, number bigint, seen timestamptz, raw bytea);
    GRANT SELECT, UPDATE ON e2e_notes TO PUBLIC;
    INSERT INTO e2e_notes VALUES
      (1, 'please charge ${CARD} today', '{"note": "card ${CARD}", "paid": [1.50, true, null]}', '{"a b","${CARD}",NULL}', 12.50, 4111111111111111, '2026-11-25', '${CARD}'),
      (2, 'nothing to see', '{"note": "fine", "id": 12345678901234567890, "at": "2026-11-25 18:29:47"}', '{"x","",NULL,"q\\"uote"}', 4111111111111112, 42, '2026-11-25', '\\x00ff'),
      (3, '', '{}', '{}', NULL, NULL, NULL, NULL),
      (4, 'Ünïcode, 12 345 678 and 550e8400-e29b-41d4-a716-446655440000', '[]', NULL, 0, -1, '2026-11-25', '');
  `);
  const groups = ['support'];
  const lookedToken = await makePrincipal(admin, { name: 'e2e-looked', kind: 'human', groups, email: 'looked@example.com' });
  const clearedToken = await makePrincipal(admin, {
    name: 'e2e-excepted',
    kind: 'human',
    groups: ['support', 'pii-cleared'],
    email: 'excepted@example.com',
  });
  looked = { ...proxySettings(gateway), user: 'e2e-looked', password: lookedToken };
  cleared = { ...proxySettings(gateway), user: 'e2e-excepted', password: clearedToken };
  await save('enforce');
  await eventually('the catalog has the table', async () => (await readNote(looked)) === 'please charge *** today');
}, 60_000);

afterAll(async () => {
  const rule = await ruleNow();
  if (rule !== undefined) await admin.masking.remove.mutate({ id: rule.id });
  await direct.query('DROP TABLE IF EXISTS e2e_notes');
  await direct.end();
});

const ruleNow = async () => (await admin.masking.list.query()).find((one) => one.name === RULE);

async function save(mode: 'enforce' | 'observe'): Promise<void> {
  const before = await ruleNow();
  await admin.masking.save.mutate({
    ...(before === undefined ? {} : { id: before.id }),
    ...{ name: RULE, connections: ['shop'], columns: [], detect: ['credit_card', 'email'], mask: { type: 'redact' }, mode },
    exceptGroups: ['agents', 'dba', 'pii-cleared'],
  });
}

async function readNote(settings: typeof looked): Promise<string> {
  const session = await open(settings);
  const { rows } = await session.query('SELECT note FROM e2e_notes WHERE id = 1');
  await session.end();
  return rows[0].note;
}

/** Rows of a statement as they came over the wire. */
async function rowsOf(settings: typeof looked, sql: string, format: 'simple' | 0 | 1, described = true): Promise<Message[]> {
  const wire = await WireClient.signIn(settings);
  if (format === 'simple') wire.send(simpleQuery(sql));
  else wire.send(parse(sql), bind('', '', format), ...(described ? [describePortal()] : []), execute(), sync());
  const messages = await wire.until('Z');
  wire.close();
  expect(messages.map((message) => message.type)).not.toContain('E');
  return messages.filter((message) => message.type === 'D');
}

describe('what a rule about content finds is masked, whatever the column', () => {
  const SQL = 'SELECT id::text, note, doc, tags, number FROM e2e_notes WHERE id = 1';

  test('in text, by the simple protocol and the extended', async () => {
    for (const [format, described] of [
      ['simple', true],
      [0, true],
      [0, false],
    ] as const) {
      const rows = await rowsOf(looked, SQL, format, described);
      expect(rows.map(cellsOf)).toEqual([
        ['1', 'please charge *** today', '{"note": "card ***", "paid": [1.50, true, null]}', '{"a b","***",NULL}', null],
      ]);
    }
  });

  test('in binary', async () => {
    for (const described of [true, false]) {
      const [row] = await rowsOf(looked, SQL, 1, described);
      if (row === undefined) throw new Error('no row');
      const [id, note, doc, tags, number] = cellsOf(row);
      expect([id, note, doc, number]).toEqual([
        '1',
        'please charge *** today',
        '\u0001{"note": "card ***", "paid": [1.50, true, null]}',
        null,
      ]);
      expect(tags?.endsWith('\0\0\0\u0003a b\0\0\0\u0003***\ufffd\ufffd\ufffd\ufffd')).toBe(true);
    }
  });

  test('through expressions, functions, set operations and RETURNING', async () => {
    const session = await open(looked);
    for (const sql of [
      `SELECT upper(note) AS v FROM e2e_notes WHERE id = 1`,
      `SELECT doc->>'note' AS v FROM e2e_notes WHERE id = 1`,
      `SELECT to_jsonb(n) AS v FROM e2e_notes n WHERE id = 1`,
      `SELECT n AS v FROM e2e_notes n WHERE id = 1`,
      `SELECT array_agg(note) AS v FROM e2e_notes`,
      `SELECT note AS v FROM e2e_notes WHERE id = 1 UNION ALL SELECT 'x'`,
      `UPDATE e2e_notes SET amount = amount WHERE id = 1 RETURNING note AS v`,
      `SELECT '${CARD}' AS v`,
    ]) {
      const seen = JSON.stringify((await session.query(sql)).rows);
      expect(seen, sql).not.toContain('4111 1111');
    }
    await session.end();
  });

  test('in errors too', async () => {
    const session = await open(looked);
    const error = await failure(session.query('SELECT note::int FROM e2e_notes WHERE id = 1'));
    expect(error).toMatchObject({ code: '22P02', message: 'invalid input syntax for type integer: "please charge *** today"' });
    await session.end();
  });

  test('COPY to the client, in text, CSV and binary', async () => {
    const copy = await CopyClient.open(looked);
    const plain = await CopyClient.open(cleared);
    const columns = 'id, note, doc, tags, number';
    for (const options of ['', '(FORMAT csv, HEADER)', '(FORMAT binary)']) {
      const masked = await copy.out(`COPY (SELECT ${columns} FROM e2e_notes WHERE id = 1) TO STDOUT ${options}`);
      expect(masked.toString('latin1')).toContain('please charge *** today');
      expect(masked.toString('latin1')).toContain('card ***');
      expect(masked.toString('latin1')).not.toMatch(/4111/);
      const rest = `COPY (SELECT * FROM e2e_notes WHERE id > 1 ORDER BY id) TO STDOUT ${options}`;
      expect((await copy.out(rest)).equals(await plain.out(rest)), options).toBe(true);
    }
    expect((await copy.out('COPY e2e_notes (note) TO STDOUT')).toString()).toContain('please charge *** today');
    await copy.close();
    await plain.close();
  });

  test('the record counts cells, and has no value', async () => {
    const session = await open(looked);
    await session.query(`SELECT note, doc, 'counted' AS e2e_counted FROM e2e_notes`);
    await session.end();
    await eventually('it is recorded', async () => {
      const [row] = (await admin.audit.search.query({ q: 'e2e_counted' })).items;
      if (row?.status !== 'done') return false;
      const detail = await admin.audit.get.query({ id: row.id });
      expect(detail.detected).toEqual([{ rule: RULE, detector: 'credit_card', mode: 'enforce', cells: 2 }]);
      expect(JSON.stringify(detail)).not.toContain('4111');
      return true;
    });
  });
});

describe('what holds nothing leaves as the server sent it, byte for byte', () => {
  const sql = `SELECT * FROM e2e_notes WHERE id > 1 ORDER BY id`;
  test.each(['simple', 0, 1] as const)('%s', async (format) => {
    const plain = await rowsOf(cleared, sql, format);
    const rows = await rowsOf(looked, sql, format);
    expect(rows).toHaveLength(3);
    expect(rows.map(({ body }) => body.toString('hex'))).toEqual(plain.map(({ body }) => body.toString('hex')));
  });

  test('bytea is left alone', async () => {
    const raw = (settings: typeof looked) => rowsOf(settings, 'SELECT raw FROM e2e_notes WHERE id = 1', 1);
    expect((await raw(looked))[0]?.body).toEqual((await raw(cleared))[0]?.body);
  });
});

test('observe shows and counts', async () => {
  await save('observe');
  try {
    const session = await open(looked);
    await session.query(`SELECT note, 'observed' AS e2e_observed FROM e2e_notes`);
    await session.end();
    await eventually('it is recorded', async () => {
      const [row] = (await admin.audit.search.query({ q: 'e2e_observed' })).items;
      if (row?.status !== 'done') return false;
      expect((await admin.audit.get.query({ id: row.id })).detected).toEqual([
        { rule: RULE, detector: 'credit_card', mode: 'observe', cells: 1 },
      ]);
      return true;
    });
    const copy = await CopyClient.open(looked);
    expect((await copy.out('COPY e2e_notes (note) TO STDOUT')).toString()).toContain(CARD);
    await copy.close();
  } finally {
    await save('enforce');
  }
});
