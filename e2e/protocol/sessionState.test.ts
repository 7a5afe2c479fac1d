import { beforeAll, describe, expect, test } from 'vitest';
import { bind, bindValues, cellsOf, cstring, execute, fieldsOf, frame, parse, simpleQuery, sync, type WireClient } from '../wireClient';
import { ask, letters, MASKED, OPEN, peers, play, READS, RULED, SECRET, same, signIn, words } from './peers';

const p = peers();

beforeAll(async () => {
  await p.root.query(`
    SET ROLE traps_app;
    CREATE TABLE forbidden (id int, word text);
    CREATE TABLE front (id int, word text);
    CREATE RULE front_instead AS ON INSERT TO front DO INSTEAD INSERT INTO forbidden VALUES (NEW.id, NEW.word);
    CREATE VIEW forbidden_view AS SELECT * FROM forbidden;
    CREATE MATERIALIZED VIEW forbidden_copy AS SELECT * FROM forbidden;
    CREATE TABLE parent (id int, word text);
    CREATE TABLE forbidden_child () INHERITS (parent);
    CREATE TABLE ranged (id int, word text) PARTITION BY RANGE (id);
    CREATE TABLE forbidden_part PARTITION OF ranged FOR VALUES FROM (0) TO (100);
    CREATE TABLE owners (id int PRIMARY KEY);
    CREATE TABLE forbidden_owned (id int REFERENCES owners ON DELETE CASCADE);
    CREATE TABLE watched (id int);
    CREATE FUNCTION copy_over() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO forbidden VALUES (NEW.id, 'by trigger'); RETURN NEW; END $$;
    CREATE TRIGGER copy_over BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION copy_over();
    CREATE FUNCTION writes() RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO notes VALUES (61, ''written'') RETURNING id';
    CREATE FUNCTION says_stable() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM writes(); RETURN 1; END $$;
    CREATE PROCEDURE proceeds() LANGUAGE sql AS 'INSERT INTO notes VALUES (62, ''written'')';
    CREATE FUNCTION flips() RETURNS text LANGUAGE sql SET standard_conforming_strings = off AS 'SELECT current_setting(''standard_conforming_strings'')';
    CREATE FUNCTION flips_for_good() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('standard_conforming_strings', 'off', false); END $$;
    CREATE FUNCTION recodes() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('client_encoding', 'LATIN1', false); END $$;
    CREATE SEQUENCE counted;
    CREATE SCHEMA shadow;
    CREATE VIEW shadow.people AS SELECT id, ssn AS name FROM public.people;
    RESET ROLE`);
});

/** What a session says a setting is; undefined when the session was ended. */
async function settingOf(client: WireClient, name: string): Promise<string | null | undefined> {
  if (client.closed) return undefined;
  const answer = await ask(client, `SHOW ${name}`).catch(() => []);
  return answer.filter(({ type }) => type === 'D').map((row) => cellsOf(row)[0])[0];
}

const endOrAnswer = (client: WireClient) => client.until('Z').catch(() => []);

describe('settings that change how text is read', () => {
  const strings = [
    ...[
      'SET standard_conforming_strings = off',
      'SET LOCAL standard_conforming_strings TO off',
      'SET SESSION standard_conforming_strings = 0',
    ],
    ...[
      'set "standard_conforming_strings" = off',
      'SET STANDARD_CONFORMING_STRINGS = OFF',
      'BEGIN; SET LOCAL standard_conforming_strings = off',
    ],
    ...[
      "SELECT set_config('standard_conforming_strings', 'off', false)",
      "SELECT set_config('Standard_Conforming' || '_strings', 'off', true)",
    ],
    ...["UPDATE pg_settings SET setting = 'off' WHERE name = 'standard_conforming_strings'", 'SELECT flips_for_good()'],
    ...["DO $$ BEGIN PERFORM set_config('standard_conforming_strings', 'off', false); END $$"],
    ...["DO $$ BEGIN EXECUTE 'SET standard_conforming_strings = off'; END $$"],
  ];
  test.each(strings)('trap-56-standard-conforming-strings-pinned: %s', async (sql) => {
    for (const connection of [OPEN, MASKED]) {
      for (const extended of [false, true]) {
        const client = await p.gateway(connection);
        client.send(...(extended ? [parse(sql), bind(), execute(), sync()] : [simpleQuery(sql)]));
        await endOrAnswer(client);
        // Refused, or undone, or the session is over; never a session that reads text in another way than the gateway.
        expect([undefined, 'on'], sql).toContain(await settingOf(client, 'standard_conforming_strings'));
        client.close();
      }
    }
  });

  test('trap-56-function-set-clause: inside the function alone, and the session stays as it was', async () => {
    const client = await p.gateway();
    const answer = await ask(client, 'SELECT flips()').catch(() => []);
    if (letters(answer).includes('D')) expect(await settingOf(client, 'standard_conforming_strings')).toBe('on');
    const created = await play(await p.gateway(), [
      simpleQuery("CREATE FUNCTION flips_too() RETURNS int LANGUAGE sql SET standard_conforming_strings = off AS 'SELECT 1'"),
    ]).catch(() => []);
    expect(letters(created)).toMatch(/^(?:EZ|CZ|)/);
  });

  test.each([
    ['its role', 'ALTER ROLE traps_app SET %', 'ALTER ROLE traps_app RESET ALL'],
    ['its database', 'ALTER DATABASE traps SET %', 'ALTER DATABASE traps RESET ALL'],
    ['its role in this database', 'ALTER ROLE traps_app IN DATABASE traps SET %', 'ALTER ROLE traps_app IN DATABASE traps RESET ALL'],
  ])('trap-56-trap-57-pinned-against-the-server-s-own-defaults: of %s, after RESET ALL and DISCARD ALL too', async (_name, set, reset) => {
    try {
      await p.root.query(set.replace('%', 'standard_conforming_strings = off'));
      await p.root.query(set.replace('%', "client_encoding = 'LATIN1'"));
      for (const sql of [
        'SELECT 1',
        'RESET ALL',
        'DISCARD ALL',
        'RESET standard_conforming_strings',
        'SET standard_conforming_strings TO DEFAULT',
        'RESET client_encoding',
      ]) {
        const client = await p.gateway();
        await ask(client, sql).catch(() => []);
        expect([undefined, 'on'], sql).toContain(await settingOf(client, 'standard_conforming_strings'));
        expect([undefined, 'UTF8'], sql).toContain(await settingOf(client, 'client_encoding'));
        client.close();
      }
    } finally {
      await p.root.query(reset);
    }
  });

  test.each([
    ['standard_conforming_strings', { standard_conforming_strings: 'off' }],
    ['standard_conforming_strings in options', { options: '-c standard_conforming_strings=off' }],
    ['with dashes in options', { options: '--standard-conforming-strings=off' }],
    ['client_encoding', { client_encoding: 'SJIS' }],
    ['client_encoding in options', { options: '-c client_encoding=LATIN1' }],
    ['in capitals', { options: '-c CLIENT_ENCODING=LATIN1' }],
    ['role', { options: '-c role=postgres' }],
    ['session_authorization', { session_authorization: 'postgres' }],
  ])('trap-56-start-up-options-refused: %s', async (_name, parameters) => {
    const session = await signIn({ ...p.settings(OPEN), parameters: parameters as unknown as Record<string, string> }).catch(
      (error: Error & { code?: string }) => error,
    );
    if (session instanceof Error) return expect(session.code).toBe('0A000');
    expect(await settingOf(session, 'standard_conforming_strings')).toBe('on');
    expect(await settingOf(session, 'client_encoding')).toBe('UTF8');
    session.close();
  });

  test.each([
    "SET client_encoding = 'LATIN1'",
    "SET NAMES 'SJIS'",
    "SET CLIENT_ENCODING TO 'GBK'",
    "SELECT set_config('client_encoding', 'BIG5', false)",
    "BEGIN; SET LOCAL client_encoding = 'LATIN1'",
    'SELECT recodes()',
    "UPDATE pg_settings SET setting = 'LATIN1' WHERE name = 'client_encoding'",
  ])('trap-57-client-encoding-pinned: %s', async (sql) => {
    for (const connection of [OPEN, MASKED]) {
      const client = await p.gateway(connection);
      client.send(simpleQuery(sql));
      await endOrAnswer(client);
      expect([undefined, 'UTF8']).toContain(await settingOf(client, 'client_encoding'));
      client.close();
    }
  });

  const broken = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xc3], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x28, 0xa1]].map((bytes) =>
    Buffer.from(bytes),
  );
  test.each(broken.map((bytes) => [bytes.toString('hex'), bytes] as const))(
    'trap-57-invalid-bytes-as-postgres-refuses-them: %s',
    async (_name, bytes) => {
      const text = (before: string, after: string) => Buffer.concat([Buffer.from(before), bytes, Buffer.from(`${after}\0`)]);
      await same(p, [frame('Q', text("SELECT '", "'")), simpleQuery('SELECT 1')]);
      await same(p, [frame('P', cstring(''), text("SELECT '", "'"), Buffer.from([0, 0])), bind(), sync(), simpleQuery('SELECT 1')]);
      await same(p, [parse('SELECT $1::text'), bindValues([Buffer.concat([bytes, Buffer.from("'")])]), execute(), sync()]);
      await same(p, [parse('SELECT $1::bytea'), bindValues([bytes], { formats: [1] }), execute(), sync()]);
    },
  );
});

describe('names that come to mean something else', () => {
  const reach = [
    ['search_path', 'SET search_path TO shadow, public', 'SELECT id, name FROM people'],
    ['set_config', "SELECT set_config('search_path', 'shadow, public', false)", 'SELECT id, name FROM people'],
    ['SET LOCAL', 'BEGIN; SET LOCAL search_path TO shadow, public', 'SELECT id, name FROM people'],
    ['a temporary view', 'CREATE TEMP VIEW people AS SELECT id, ssn AS name FROM public.people', 'SELECT name FROM people'],
    [
      'a temporary table of the same name',
      'CREATE TEMP TABLE people AS SELECT id, ssn AS name FROM public.people',
      'SELECT name FROM people',
    ],
    ['a temporary table in front', 'CREATE TEMP TABLE people (id int, ssn text, name text)', 'SELECT ssn FROM public.people'],
    ['pg_temp last', 'SET search_path TO public, pg_temp', 'SELECT ssn FROM people'],
    ['the catalog behind', 'SET search_path TO public, pg_catalog', 'SELECT ssn FROM people'],
    ['SET ROLE', 'SET ROLE traps_app', 'SELECT ssn FROM people'],
    ['SET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION DEFAULT', 'SELECT ssn FROM people'],
    [
      'a schema of the role’s name',
      'CREATE SCHEMA IF NOT EXISTS traps_app; CREATE VIEW traps_app.people AS SELECT id, ssn AS name FROM public.people',
      'SELECT name FROM people',
    ],
    [
      'a function of the same name',
      "CREATE FUNCTION pg_temp.upper(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
      'SELECT pg_temp.upper(ssn) FROM people',
    ],
    ['an operator', 'SET search_path TO shadow, pg_catalog, public', "SELECT ssn || '' FROM public.people"],
    ['a rename', 'BEGIN; ALTER TABLE people RENAME COLUMN ssn TO harmless', 'SELECT harmless FROM people'],
    ['a table renamed', 'BEGIN; ALTER TABLE people RENAME TO folk', 'SELECT ssn FROM folk'],
    ['another schema', 'BEGIN; ALTER TABLE people SET SCHEMA shadow_two', 'SELECT ssn FROM people'],
    ['swapped columns', 'BEGIN; ALTER TABLE people RENAME name TO was; ALTER TABLE people RENAME ssn TO name', 'SELECT name FROM people'],
  ];
  test.each(reach)('trap-58-shadowed-names-show-no-value: %s', async (_name, set, read) => {
    const client = await p.gateway(MASKED);
    const answer = await play(client, [
      simpleQuery(set),
      simpleQuery(read),
      ...[parse(read), bind(), execute(), sync()],
      simpleQuery(`${set}; ${read}`),
      simpleQuery('ROLLBACK'),
      simpleQuery(read),
    ]);
    expect(words(answer).join('\n')).not.toMatch(SECRET);
    await p.root.query('DROP SCHEMA IF EXISTS traps_app CASCADE');
  });

  test('trap-58-alter-role-search-path: a default that the server gives is not trusted', async () => {
    try {
      await p.root.query('ALTER ROLE traps_app SET search_path = shadow, public');
      const answer = await play(await p.gateway(MASKED), [
        simpleQuery('SELECT name FROM people'),
        parse('SELECT name FROM people'),
        bind(),
        execute(),
        sync(),
      ]);
      expect(words(answer).join()).not.toMatch(SECRET);
    } finally {
      await p.root.query('ALTER ROLE traps_app RESET ALL');
    }
  });

  test.each([
    ['by itself', 'SELECT 1', 'INSERT INTO forbidden VALUES (1)'],
    ['by search_path', 'SET search_path TO shadow, public', 'INSERT INTO forbidden VALUES (1)'],
    ['quoted', 'SELECT 1', 'INSERT INTO "public"."forbidden" VALUES (1)'],
    ['behind a temporary table', 'CREATE TEMP TABLE t (id int)', 'INSERT INTO forbidden VALUES (1)'],
  ])('trap-58-rules-about-tables-hold: %s', async (_name, set, sql) => {
    const client = await p.gateway(RULED);
    await ask(client, set);
    client.send(simpleQuery(sql));
    const [answer] = await client.until('E', 'N', 'C');
    expect(answer?.type).toMatch(/[EN]/);
    client.close();
    expect((await p.root.query('SELECT FROM forbidden')).rowCount).toBe(0);
  });
});

describe('what the grammar does not know', () => {
  test.each(['SELECT 1 QUALIFY WITH PLEASURE', 'MERGE SIDEWAYS INTO notes', 'FROM notes SELECT id', 'CREATE PROPERTY GRAPH g'])(
    'trap-59-unknown-syntax-is-denied-with-why: %s',
    async (sql) => {
      for (const connection of [OPEN, MASKED, RULED]) {
        const answer = await play(await p.gateway(connection), [simpleQuery(sql), parse(sql), bind(), execute(), sync()]);
        expect(letters(answer)).toMatch(/^EZEZ/);
        const error = fieldsOf(answer[0] ?? { type: '', body: Buffer.alloc(0) });
        expect(error.C).toBe('42601');
        expect(error.M).toMatch(/syntax error/);
      }
    },
  );
});

describe('effects that the text does not show', () => {
  test.each([
    ['a rule INSTEAD', 'INSERT INTO front VALUES (1)'],
    ['a view', 'INSERT INTO forbidden_view VALUES (1)'],
    ['a trigger', 'INSERT INTO watched VALUES (1)'],
    ['an inheritance child', "UPDATE parent SET word = 'x' WHERE id = 1"],
    ['a partition', "INSERT INTO ranged VALUES (1, 'x')"],
    ['a cascade', 'DELETE FROM owners WHERE id = 1'],
    ['a materialised view', 'REFRESH MATERIALIZED VIEW forbidden_copy'],
    ['a CTE', 'WITH w AS (INSERT INTO forbidden VALUES (1) RETURNING 1) SELECT * FROM w'],
    ['LOCK', 'BEGIN; LOCK TABLE forbidden'],
    ['a view that reads it', 'SELECT * FROM forbidden_view'],
    ['COPY of the view', 'COPY forbidden_view TO STDOUT'],
  ])('trap-60-the-catalog-shows-it: %s', async (_name, sql) => {
    await p.root.query('DELETE FROM owners; INSERT INTO owners VALUES (1)');
    for (const extended of [false, true]) {
      const client = await p.gateway(RULED);
      if (extended && sql.includes(';')) continue;
      client.send(...(extended ? [parse(sql), bind(), execute(), sync()] : [simpleQuery(sql)]));
      const [answer] = (await client.until('E', 'N', 'C')).filter(({ type }) => 'ENC'.includes(type));
      expect(`${answer?.type} ${answer && answer.type !== 'C' ? fieldsOf(answer).F : ''}`).toMatch(/^[EN] gatehouse$/);
      client.close();
    }
  });
});

describe('writes inside reads', () => {
  test.each([
    ['a volatile function', 'SELECT writes()'],
    ['one that says it is stable', 'SELECT says_stable()'],
    ['in WHERE', 'SELECT 1 WHERE writes() > 0'],
    ['SELECT INTO', 'SELECT 1 AS one INTO made_by_61'],
    ['CREATE TABLE AS', 'CREATE TABLE made_by_61 AS SELECT 1 AS one'],
    ['a CTE that inserts', "WITH w AS (INSERT INTO notes VALUES (63, 'x') RETURNING id) SELECT * FROM w"],
    ['a CTE nobody reads', "WITH w AS (INSERT INTO notes VALUES (63, 'x')) SELECT 1"],
    ['EXPLAIN ANALYZE', "EXPLAIN ANALYZE INSERT INTO notes VALUES (64, 'x')"],
    ['EXPLAIN (ANALYZE)', "EXPLAIN (FORMAT json, ANALYZE true) INSERT INTO notes VALUES (64, 'x')"],
    ['EXPLAIN ANALYZE of a function', 'EXPLAIN ANALYZE SELECT writes()'],
    ['nextval', "SELECT nextval('counted')"],
    ['setval', "SELECT setval('counted', 5)"],
    ['an advisory lock', 'SELECT pg_advisory_lock(61)'],
    ['pg_terminate_backend', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE false'],
    ['pg_cancel_backend', 'SELECT pg_cancel_backend(0)'],
    ['pg_notify', "SELECT pg_notify('x', 'y')"],
    ['a large object', 'SELECT lo_create(0)'],
    ['a row lock', 'SELECT * FROM notes FOR UPDATE'],
    ['CALL', 'CALL proceeds()'],
    ['DO', "DO $$ BEGIN INSERT INTO notes VALUES (65, 'x'); END $$"],
    ['COPY of RETURNING', "COPY (INSERT INTO notes VALUES (66, 'x') RETURNING id) TO STDOUT"],
    ['PREPARE', "PREPARE w AS INSERT INTO notes VALUES (67, 'x')"],
    ['a call by query_to_xml', "SELECT query_to_xml('SELECT writes()', true, true, '')"],
    ['pg_switch_wal', 'SELECT pg_switch_wal()'],
    ['a WAL message', "SELECT pg_logical_emit_message(false, 'a', 'b')"],
    ['transaction ids', 'SELECT txid_current(), pg_export_snapshot()'],
  ])('trap-61-not-a-read: %s', async (_name, sql) => {
    const notes = async () => (await p.root.query('SELECT count(*)::int AS n FROM notes')).rows[0].n;
    const before = await notes();
    const client = await p.gateway(READS);
    for (const frames of [[simpleQuery(sql)], [parse(sql), bind(), execute(), sync()]]) {
      client.send(...frames);
      const answer = await client.until('Z');
      expect(letters(answer), words(answer).join()).toBe('EZ');
      expect(fieldsOf(answer[0] ?? { type: '', body: Buffer.alloc(0) }).F).toBe('gatehouse');
    }
    expect(await notes()).toBe(before);
    expect((await p.root.query("SELECT to_regclass('made_by_61') AS t, (SELECT is_called FROM counted) AS c")).rows).toEqual([
      { t: null, c: false },
    ]);
  });

  test('trap-61-reads-are-reads: the same connection answers them', async () => {
    const client = await p.gateway(READS);
    for (const sql of [
      'SELECT * FROM notes',
      'SELECT count(*), max(id), now() FROM notes',
      'EXPLAIN SELECT 1',
      'TABLE notes',
      'VALUES (1)',
      'SHOW timezone',
    ])
      expect(letters(await ask(client, sql)), sql).toMatch(/^TD*CZ$/);
  });
});
