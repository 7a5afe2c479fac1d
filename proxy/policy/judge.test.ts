import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import type { Action } from '../../db/schema/shapes';
import { loadCatalog } from '../catalog/load';
import type { CatalogSnapshot } from '../catalog/types';
import { maskedColumnsFor } from '../masking/columns';
import { loadParser, SqlSyntaxError } from '../sql/parse';
import { createJudge, type JudgeContext, type Judgement, judge } from './judge';
import type { ConnectionPolicy, Principal, Rule } from './types';

let database: TestDatabase;
let catalog: CatalogSnapshot;

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    create table made (a int, gone int, b int generated always as (a) stored, c int, d int); alter table made drop column gone;
    create schema hr; create table items (id int primary key, name text, price int); create index on items (name); create table hr.items (id int); create table hr.staff (id int);
    create view priced as select id, price from items where price > 0; create view dear as select id from priced;
    create table log (id int, at date) partition by range (at); create table log_old partition of log for values from ('2020-01-01') to ('2021-01-01');
    create function purge() returns int language plpgsql as 'begin delete from items; return 1; end';
    create function length(items) returns int language plpgsql as 'begin return 1; end';
    create function cheap(int) returns setof text language sql stable as 'select name from items where price < $1';
    create function cheaper(int) returns bigint language sql as 'select count(*) from cheap($1) as c';
    create view counted as select cheaper(3) as n;
    create function noted() returns trigger language plpgsql as 'begin return new; end';
    create trigger t before insert on log for each row execute function noted();
    create function wipe() returns void language sql as 'delete from items';
    create function wiping() returns void language sql as 'select wipe()';
    create function purging() returns int language sql as 'select purge()';
    create function endless(n int) returns int language sql as 'select 1';
    create or replace function endless(n int) returns int language sql as 'select case when n > 0 then endless(n - 1) end';
    create extension hstore; create extension dblink;
    create function same(text, text) returns boolean language sql as 'select true';
    create operator === (leftarg = text, rightarg = text, function = same);
  `);
  catalog = await loadCatalog(client);
  await client.end();
}, 60_000);

afterAll(() => database.drop());

const principal = { id: 'pri_1', name: 'bot', kind: 'agent', role: 'member', email: null, owner: null, groups: ['agents'] } as Principal;

function connection(change: Partial<ConnectionPolicy> = {}): ConnectionPolicy {
  return { id: 'con_1', name: 'shop', default: 'allow', opaque: 'hold', ...change } as ConnectionPolicy;
}

function rule(name: string, action: Action, match: Rule['match'], change: Partial<Rule> = {}): Rule {
  return { name, connections: [], groups: [], match, action, message: null, approval: null, mode: 'enforce', ...change };
}

function context(rules: readonly Rule[] = [], change: Partial<ConnectionPolicy> = {}): JudgeContext {
  const policy = { version: 1, connections: new Map(), access: [], rules, masking: [] };
  const masks = maskedColumnsFor({ masking: [], connection: connection(change), principal, catalog });
  return { connection: connection(change), principal, policy, catalog, masks, now: new Date('2026-07-01T12:00:00Z') };
}

function verdict(text: string, rules: readonly Rule[] = [], change: Partial<ConnectionPolicy> = {}) {
  const [statement] = judge(text, context(rules, change)).statements;
  if (statement === undefined) throw new Error('no statement');
  return statement.verdict;
}

describe('columns that an INSERT without a list stores into', () => {
  it.each([
    ['all, but what the server fills', 'INSERT INTO made VALUES (1, DEFAULT, 2, 3)', ['a', 'c', 'd']],
    ['as many as there are values', 'INSERT INTO made VALUES (1), (2)', ['a']],
    ['counting generated ones', 'INSERT INTO made VALUES (1, DEFAULT, 2)', ['a', 'c']],
    ['as many as a SELECT gives', 'INSERT INTO made SELECT 1, NULL, 3', ['a', 'c']],
    ['the first of a UNION', 'INSERT INTO made (SELECT 1 UNION SELECT 2)', ['a']],
    ['all behind a star', 'INSERT INTO made SELECT (cheap_rows()).*', ['a', 'b', 'c', 'd']],
    ['none of DEFAULT VALUES', 'INSERT INTO made DEFAULT VALUES', []],
    ['those of a list', 'INSERT INTO made (d) VALUES (1)', ['d']],
    ['in a WITH', 'WITH i AS (INSERT INTO made VALUES (1)) SELECT 1', ['a']],
    ['of MERGE', 'MERGE INTO made USING (VALUES (1)) s (x) ON false WHEN NOT MATCHED THEN INSERT VALUES (1, DEFAULT, 2)', ['a', 'c']],
    ['with more values than columns', 'INSERT INTO made VALUES (1, 2, 3, 4, 5, 6)', ['a', 'c', 'd']],
  ])('%s', (_, text, columns) => {
    expect(judge(text, context()).statements[0]?.columns).toEqual(columns.map((name) => `public.made.${name}`));
  });
});

describe('rules', () => {
  it('the strictest of those that match decides, and every one is explained', () => {
    const rules = [
      rule('reads', 'allow', { statements: ['SELECT'] }),
      rule('review', 'hold', { statements: ['DELETE'] }, { approval: { groups: ['dba'], count: 2, expiresInMs: 1000 } }),
      rule('review-one', 'hold', { statements: ['DELETE'] }),
      rule('never', 'deny', { statements: ['DROP'] }, { message: 'Through a migration.' }),
      rule('watch', 'deny', { statements: ['DELETE'] }, { mode: 'observe' }),
      rule('asleep', 'deny', {}, { mode: 'off' }),
    ];
    const held = verdict('DELETE FROM items WHERE id = 1', rules);
    expect(held).toMatchObject({ action: 'hold', rule: 'review', decidedBy: 'rule', approval: { groups: ['dba'], count: 2 } });
    expect(held.tried.map((trial) => [trial.rule, trial.matched])).toEqual([
      ['reads', false],
      ['review', true],
      ['review-one', true],
      ['never', false],
      ['watch', true],
      ['asleep', false],
    ]);
    expect(verdict('DROP TABLE items', rules)).toMatchObject({ action: 'deny', rule: 'never', why: 'Through a migration.' });
    expect(verdict('WITH d AS (DELETE FROM items RETURNING id) SELECT * FROM d', rules)).toMatchObject({ action: 'hold', rule: 'review' });
  });

  it('a hold of the statement is stricter than one of its COMMIT, and so is one for effects that cannot be known', () => {
    const approval = { groups: [], count: 5, expiresInMs: 1000 };
    const rules = [
      rule('commit', 'hold', { statements: ['DELETE', 'SELECT'] }, { approval: { ...approval, at: 'commit', dryRun: true } }),
      rule('statement', 'hold', { tables: ['hr.*'] }, { approval: { ...approval, count: 1 } }),
    ];
    expect(verdict('DELETE FROM items WHERE id = 1', rules)).toMatchObject({ rule: 'commit', approval: { at: 'commit' } });
    const both = verdict('DELETE FROM hr.items WHERE id = 1', rules);
    expect(both).toMatchObject({ rule: 'statement', approval: { count: 1, dryRun: true } });
    expect(both.approval?.at).toBeUndefined();
    const opaque = verdict('SELECT purge()', rules);
    expect(opaque).toMatchObject({ action: 'hold', decidedBy: 'opaque' });
    expect(opaque.approval?.at).toBeUndefined();
  });

  it('a passkey that any rule which holds a statement asks for is asked for, also where its effects cannot be known', () => {
    const approval = { groups: [], count: 1, expiresInMs: 1000 };
    const rules = [
      rule('many', 'hold', { statements: ['DELETE'] }, { approval: { ...approval, count: 3 } }),
      rule('confirmed', 'hold', { tables: ['hr.*'] }, { approval: { ...approval, passkey: 'required' } }),
      rule('at-commit', 'hold', { statements: ['SELECT'] }, { approval: { ...approval, at: 'commit', passkey: 'required' } }),
    ];
    expect(verdict('DELETE FROM items WHERE id = 1', rules).approval).toEqual({ ...approval, count: 3 });
    expect(verdict('DELETE FROM hr.items WHERE id = 1', rules)).toMatchObject({
      rule: 'many',
      approval: { count: 3, passkey: 'required' },
    });
    expect(verdict('SELECT purge()', rules)).toMatchObject({ decidedBy: 'opaque', approval: { passkey: 'required' } });
    const observed = rules.map((one) => ({ ...one, mode: 'observe' as const }));
    expect(verdict('DELETE FROM hr.items WHERE id = 1', [...observed, ...rules.slice(0, 1)]).approval).toEqual({ ...approval, count: 3 });
  });

  it.each<[string, Rule['match'], string, boolean]>([
    ['tables by glob', { tables: ['hr.*'] }, 'SELECT id FROM hr.staff', true],
    ['tables through the search path', { tables: ['hr.*'] }, 'SELECT id FROM items', false],
    ['tables the path does not have', { tables: ['hr.*'] }, 'SELECT id FROM staff', true],
    ['columns', { columns: ['public.items.price'] }, 'SELECT price FROM items', true],
    ['columns behind a star', { columns: ['public.items.price'] }, 'SELECT * FROM items', true],
    ['other columns', { columns: ['public.items.price'] }, 'SELECT name FROM items', false],
    ['columns that an INSERT does not name', { columns: ['public.items.price'] }, "INSERT INTO items VALUES (1, 'a', 2)", true],
    ['columns that an INSERT leaves out', { columns: ['public.items.price'] }, "INSERT INTO items VALUES (1, 'a')", false],
    ['functions', { functions: ['pg_sleep'] }, 'SELECT pg_catalog.pg_sleep(1)', true],
    ['functions by their schema', { functions: ['public.purge'] }, 'SELECT purge()', true],
    ['functions of another schema', { functions: ['hr.purge'] }, 'SELECT purge()', false],
    ['functions that functions call', { functions: ['public.cheap'] }, 'SELECT cheaper(1)', true],
    ['functions that views call', { functions: ['public.cheaper'] }, 'SELECT * FROM counted', true],
    ['functions that triggers call', { functions: ['public.noted'] }, 'INSERT INTO log VALUES (1)', true],
    ['functions of triggers for others', { functions: ['public.noted'] }, 'SELECT * FROM log', false],
    ['effects', { effects: ['delete'] }, 'EXPLAIN ANALYZE DELETE FROM items', true],
    ['an advisory lock', { effects: ['lock'] }, 'SELECT pg_try_advisory_xact_lock_shared(1)', true],
    ['an advisory lock as what it was', { effects: ['session'] }, 'SELECT pg_advisory_lock(1)', true],
    ['an advisory lock that is given back', { effects: ['lock'] }, 'SELECT pg_advisory_unlock_all()', false],
    ['a file of the server', { effects: ['file'] }, "SELECT pg_read_file('/etc/passwd')", true],
    ['files of the server', { effects: ['file'] }, "SELECT pg_ls_dir('.')", true],
    ['a file by a large object', { effects: ['file'] }, "SELECT lo_export(1, '/tmp/x')", true],
    ['another server', { effects: ['network'] }, "SELECT * FROM dblink('x', 'y') AS t (a int)", true],
    ['another server, in a sub-select', { effects: ['network'] }, "SELECT (SELECT dblink_exec('x', 'y'))", true],
    ['this server', { effects: ['network'] }, 'SELECT hstore(name, name) FROM items', false],
    ['a sequence', { effects: ['update'] }, "SELECT setval('s', 1)", true],
    ['a write under ANALYZE', { effects: ['update'] }, 'EXPLAIN (ANALYZE) UPDATE items SET price = 1 WHERE id = 1', true],
    ['a write that is only planned', { effects: ['update'] }, 'EXPLAIN UPDATE items SET price = 1', false],
    ['a write behind COPY', { effects: ['delete'] }, 'COPY (DELETE FROM items RETURNING id) TO STDOUT', true],
    ['a write behind PREPARE', { effects: ['delete'] }, 'PREPARE p AS DELETE FROM items', true],
    ['a write in a rule', { effects: ['delete'] }, 'CREATE RULE r AS ON INSERT TO log DO ALSO DELETE FROM items', true],
    ['no lock', { effects: ['lock'] }, 'SELECT pg_sleep(0)', false],
    ['unbounded', { unbounded: true }, 'UPDATE items SET price = 1 WHERE true', true],
    ['bounded', { unbounded: true }, 'UPDATE items SET price = 1 WHERE id = 1', false],
    ['bounded by no key', { unbounded: true }, "UPDATE items SET price = 1 WHERE name = 'x'", true],
    ['bounded by an index', { unbounded: true, boundedBy: 'index' }, "UPDATE items SET price = 1 WHERE name = 'x'", false],
    ['bounded by no index', { unbounded: true, boundedBy: 'index' }, 'UPDATE items SET price = 1 WHERE price = 1', true],
    ['bounded writes alone', { unbounded: false }, 'UPDATE items SET price = 1 WHERE id = 1', true],
    ['text patterns', { sql: 'pg_sleep\\s*\\(' }, 'SELECT PG_SLEEP (1)', true],
    ['text patterns behind a comment', { sql: 'pg_sleep\\(' }, 'SELECT pg_sleep/* */ -- x\n(1)', true],
    ['text patterns behind quotes', { sql: 'pg_sleep\\s*\\(' }, 'SELECT "pg_sleep"(1)', true],
    ['text patterns behind escapes', { sql: 'pg_sleep\\(' }, 'SELECT U&"pg\\005fsleep" (1)', true],
    ['text patterns over white space', { sql: 'select 1 from items' }, 'SELECT\n\t1   FROM /*x*/items', true],
    ['another text', { sql: 'pg_sleep\\(' }, 'SELECT 1 AS pg_sleep', false],
    ['hours', { hours: { from: '11:00', to: '13:00' } }, 'SELECT 1', true],
    ['other hours', { hours: { from: '13:00', to: '14:00' } }, 'SELECT 1', false],
    ['opaque', { opaque: true }, 'DO $$ BEGIN END $$', true],
    [
      'rows that are counted while it runs',
      { statements: ['UPDATE'], maxAffectedRows: 10 },
      'UPDATE items SET price = 1 WHERE id = 1',
      false,
    ],
    ['rows that nothing counts: TRUNCATE', { maxAffectedRows: 10 }, 'TRUNCATE items', true],
    ['rows that nothing counts: DROP TABLE', { maxAffectedRows: 10 }, 'DROP TABLE items', true],
    ['rows that nothing counts: COPY FROM', { maxAffectedRows: 10 }, 'COPY items FROM STDIN', true],
    ['rows that nothing counts: a cursor over code', { maxAffectedRows: 10 }, 'DECLARE c CURSOR FOR SELECT nobody_knows()', true],
    ['no rows at all', { maxAffectedRows: 0 }, 'SELECT id FROM items', false],
    ['all conditions at once', { statements: ['SELECT'], tables: ['hr.*'] }, 'SELECT id FROM items', false],
  ])('match on %s', (_, match, text, expected) => {
    expect(verdict(text, [rule('r', 'deny', match)]).action === 'deny').toBe(expected);
  });

  it('say what would bound a write, after their own message', () => {
    const why = 'nothing bounds the rows that UPDATE changes in public.items: pin items.id to constants or parameters';
    const mass = (message: string | null) => [rule('mass', 'hold', { unbounded: true, statements: ['UPDATE'] }, { message })];
    expect(verdict('UPDATE items SET price = 1', mass(null))).toMatchObject({ action: 'hold', why, tried: [{ why }] });
    expect(verdict('UPDATE items SET price = 1', mass('Two people look at it.')).why).toBe(`Two people look at it: ${why}`);
  });

  it('that allow take a text at its word', () => {
    const open = [rule('r', 'allow', { sql: 'pg_sleep\\(' })];
    expect(verdict('SELECT "pg_sleep"(1)', open, { default: 'deny' }).action).toBe('deny');
    expect(verdict('SELECT pg_sleep(1)', open, { default: 'deny' }).action).toBe('allow');
  });

  it('that only observe say that they would have matched, and decide nothing', () => {
    const [seen, off] = [rule('seen', 'deny', {}, { mode: 'observe' }), rule('off', 'deny', {}, { mode: 'off' })];
    expect(verdict('DELETE FROM items', [seen, off])).toMatchObject({
      action: 'allow',
      tried: [
        { rule: 'seen', mode: 'observe', matched: true },
        { rule: 'off', mode: 'off', matched: false },
      ],
    });
  });

  it('of changed rows are conditions on the run, the strictest first, beside whatever decides that it may', () => {
    const rules = [
      rule('large', 'deny', { maxAffectedRows: 1000 }),
      rule('middling', 'hold', { statements: ['DELETE'], maxAffectedRows: 100 }, { message: 'Ask.' }),
      rule('small', 'deny', { statements: ['UPDATE'], maxAffectedRows: 10 }),
      rule('watched', 'deny', { maxAffectedRows: 1 }, { mode: 'observe' }),
      rule('bounded', 'hold', { statements: ['MERGE'] }),
    ];
    expect(verdict('DELETE FROM items WHERE id = 1', rules)).toMatchObject({
      action: 'allow',
      affectedLimits: [
        { max: 1000, action: 'deny', rule: 'large', message: null },
        { max: 100, action: 'hold', rule: 'middling', message: 'Ask.' },
      ],
    });
    expect(verdict('UPDATE items SET price = 1', rules).affectedLimits?.map(({ rule: name }) => name)).toEqual(['small', 'large']);
    expect(verdict('WITH d AS (DELETE FROM items RETURNING id) SELECT * FROM d', rules).affectedLimits).toHaveLength(2);
    expect(verdict('MERGE INTO items USING items i ON false WHEN MATCHED THEN DELETE', rules)).toMatchObject({
      action: 'hold',
      affectedLimits: [{ rule: 'large' }],
    });
    expect(verdict('DELETE FROM items', rules, { default: 'deny' })).not.toHaveProperty('affectedLimits');
    expect(verdict('SELECT 1', rules)).not.toHaveProperty('affectedLimits');
  });

  it('that allow up to a number of rows allow no more', () => {
    const rules = [rule('few', 'allow', { statements: ['DELETE'], maxAffectedRows: 5 })];
    expect(verdict('DELETE FROM items', rules, { default: 'deny' })).toMatchObject({
      action: 'allow',
      rule: 'few',
      affectedLimits: [{ max: 5, action: 'deny', rule: 'few' }],
    });
  });

  it('speak of connections and groups', () => {
    expect(verdict('SELECT 1', [rule('r', 'deny', {}, { connections: ['other'] })]).action).toBe('allow');
    expect(verdict('SELECT 1', [rule('r', 'deny', {}, { connections: ['sh*'] })]).action).toBe('deny');
    expect(verdict('SELECT 1', [rule('r', 'deny', {}, { groups: ['dba'] })]).action).toBe('allow');
    expect(verdict('SELECT 1', [rule('r', 'deny', {}, { groups: ['dba', 'agents'] })]).action).toBe('deny');
  });

  it('search an unknown search_path in every schema', () => {
    const rules = [rule('hr', 'deny', { tables: ['hr.*'] })];
    expect(judge('SELECT id FROM items', { ...context(rules), searchPath: null }).action).toBe('deny');
    expect(judge('SELECT id FROM items', { ...context(rules), searchPath: ['hr'] }).action).toBe('deny');
    expect(judge('SELECT id FROM items', { ...context(rules), searchPath: ['public'] }).action).toBe('allow');
  });
});

describe('what no rule matches', () => {
  it.each<Action>(['allow', 'hold', 'deny'])('takes the default of the connection: %s', (action) => {
    expect(verdict('SELECT id FROM items', [], { default: action })).toMatchObject({ action, decidedBy: 'default', rule: null });
  });

  it('holds for any reviewer within 15 minutes', () => {
    expect(verdict('SELECT id FROM items', [], { default: 'hold' }).approval).toEqual({ groups: [], count: 1, expiresInMs: 900_000 });
  });

  it.each(['SET timezone = UTC', 'SHOW all', 'BEGIN', 'COMMIT', 'DISCARD ALL', 'DEALLOCATE x', 'SELECT version()', 'SELECT 1'])(
    'lets drivers set up: %s',
    (text) => expect(verdict(text, [], { default: 'hold' }).action).toBe('allow'),
  );
  it.each(['INSERT INTO items VALUES (1)', 'SELECT id FROM items', 'SELECT pg_sleep(1)', "NOTIFY a, 'b'"])('holds the rest: %s', (text) =>
    expect(verdict(text, [], { default: 'hold' }).action).toBe('hold'),
  );
});

describe('what cannot be known', () => {
  const OPAQUE = [
    'DO $$ BEGIN END $$',
    'CALL p()',
    'SELECT purge()',
    'SELECT public.purge()',
    'EXPLAIN SELECT purge()',
    'INSERT INTO items(id) VALUES (purge())',
    "SELECT length('x')",
    "SELECT no_such_function('x')",
    "SELECT 'a' === 'b'",
    "SELECT 'a' OPERATOR(public.===) 'b'",
    "SELECT dblink_exec('x', 'DROP TABLE items')",
    "SELECT query_to_xml('select 1', true, true, '')",
    "SELECT set_config('ro' || 'le', 'admin', false)",
    "SELECT set_config('application_name', name, false) FROM items",
    'SELECT pg_advisory_lock(id) FROM items',
    'SELECT pg_notify(name, name) FROM items',
    "SELECT lo_from_bytea(1, 'x')",
    'SELECT i.purge FROM items i',
    'SELECT wipe()',
    'SELECT wiping()',
    'SELECT purging()',
    'SELECT endless(3)',
  ];
  it.each(OPAQUE)('is opaque: %s', (text) => {
    expect(verdict(text)).toMatchObject({ action: 'hold', decidedBy: 'opaque' });
    expect(verdict(text, [], { opaque: 'deny' }).action).toBe('deny');
    expect(verdict(text, [], { opaque: 'allow' }).action).toBe('allow');
  });

  it('is not a function in SQL that only reads, and rules about tables see what it reads', () => {
    expect(verdict('SELECT * FROM cheap(5)').action).toBe('allow');
    expect(verdict('SELECT cheaper(5)').action).toBe('allow');
    expect(verdict('SELECT cheaper(5)', [rule('no-items', 'deny', { tables: ['public.items'] })])).toMatchObject({
      action: 'deny',
      rule: 'no-items',
    });
    expect(verdict('SELECT cheaper(5)', [rule('no-price', 'deny', { columns: ['public.items.price'] })]).action).toBe('deny');
  });

  it('a rule that names a function speaks for no other beside it', () => {
    const known = [rule('known', 'allow', { functions: ['public.purge'] })];
    expect(verdict('SELECT purge()', known).action).toBe('allow');
    expect(verdict('SELECT purge(), wipe()', known)).toMatchObject({ action: 'hold', decidedBy: 'opaque' });
    expect(verdict('SELECT purge(), wipe()', [rule('known', 'allow', { functions: ['purge', 'wipe'] })]).action).toBe('allow');
    expect(verdict('SELECT purge() FROM items WHERE id === id', known).action).toBe('hold');
    expect(verdict('CALL purge()', known).action).toBe('allow');
    expect(verdict('DO $$ BEGIN END $$', known).action).toBe('hold');
  });

  it('what acts on the server is let through by a rule about that, not by any other', () => {
    const read = "SELECT pg_read_file('x'), now() FROM items";
    expect(verdict(read, [rule('reads', 'allow', { effects: ['read'] })])).toMatchObject({ action: 'deny', decidedBy: 'analysis' });
    expect(verdict(read, [rule('time', 'allow', { functions: ['now'] })]).action).toBe('deny');
    expect(verdict(read, [rule('items', 'allow', { tables: ['public.items'] })]).action).toBe('deny');
    expect(verdict(read, [rule('files', 'allow', { functions: ['pg_read_file'] })]).action).toBe('allow');
    expect(verdict(read, [rule('files', 'hold', { effects: ['admin'] })])).toMatchObject({ action: 'hold', rule: 'files' });
    expect(verdict('SELECT passwd FROM pg_shadow', [rule('shadow', 'allow', { tables: ['pg_catalog.pg_shadow'] })]).action).toBe('allow');
  });

  it('names the reason', () => expect(verdict('SELECT purge()').why).toContain('function purge()'));

  it('is left to a rule that speaks of it, and to a stricter one', () => {
    expect(verdict('SELECT purge()', [rule('known', 'allow', { functions: ['purge'] })]).action).toBe('allow');
    expect(verdict('DO $$ BEGIN END $$', [rule('code', 'allow', { opaque: true })]).action).toBe('allow');
    expect(verdict('SELECT purge()', [rule('reads', 'allow', { statements: ['SELECT'] })]).action).toBe('hold');
    expect(verdict('SELECT purge()', [rule('no', 'deny', { statements: ['SELECT'] })])).toMatchObject({ action: 'deny', rule: 'no' });
  });

  it.each([
    "SELECT pg_catalog.length('x'), lower('X'), now(), random(), to_char(now(), 'YYYY'), count(*) FROM items",
    "SELECT format('%s', name), to_jsonb(i), string_agg(name, ',') FROM items i GROUP BY i.*, name",
    "SELECT pg_get_viewdef('x'::regclass), has_table_privilege('items', 'SELECT'), obj_description(1, 'pg_class'), pg_table_is_visible(1)",
    "SELECT nextval('s'), setval('s', 1), pg_advisory_lock(42), pg_try_advisory_lock($1)",
    "SELECT set_config('search_path', '', false), pg_notify('c', 'x')",
    "SELECT 'a=>1'::hstore -> 'a', hstore('a', 'b')",
    'SELECT i.name FROM items i WHERE i.id OPERATOR(pg_catalog.=) 1',
  ])('is not opaque: %s', (text) => expect(verdict(text)).toMatchObject({ action: 'allow' }));
});

describe('what the analysis refuses', () => {
  it.each([
    'SET ROLE admin',
    'SET SESSION AUTHORIZATION admin',
    'SET session_replication_role = replica',
    'SET row_security = off',
    'SET standard_conforming_strings = off',
    "SET client_encoding = 'SJIS'",
    "SET NAMES 'latin1'",
    "SET app.tenant = 'x'",
    "SELECT set_config('role', 'admin', false)",
    "SELECT set_config('client_encoding', $1, false)",
    "UPDATE pg_settings SET setting = 'off' WHERE name = 'row_security'",
    'CREATE VIEW knobs AS SELECT * FROM pg_settings',
    "UPDATE pg_authid SET rolsuper = true WHERE rolname = 'x'",
    'INSERT INTO pg_catalog.pg_auth_members SELECT 1',
    "SELECT pg_read_file('/etc/passwd')",
    'SELECT pg_terminate_backend(1)',
    'SELECT passwd FROM pg_shadow',
  ])('%s', (text) => {
    expect(verdict(text)).toMatchObject({ action: 'deny', decidedBy: 'analysis' });
    expect(verdict(text, [rule('all', 'allow', {})]).action).toBe('deny');
  });

  it('a rule that names a server function may let it pass; none can let a role change pass', () => {
    expect(verdict('SELECT pg_terminate_backend(1)', [rule('kill', 'allow', { functions: ['pg_terminate_backend'] })]).action).toBe(
      'allow',
    );
    expect(verdict('SET ROLE admin', [rule('role', 'allow', { effects: ['role'] })]).action).toBe('deny');
  });

  it.each(['RESET ALL', 'RESET role', 'DISCARD ALL', 'SET LOCAL lock_timeout = 5', 'SET TRANSACTION READ ONLY', "SET TIME ZONE 'UTC'"])(
    'but not %s',
    (text) => expect(verdict(text).action).toBe('allow'),
  );
});

describe('a text', () => {
  it('takes the strictest action of its statements', () => {
    const rules = [rule('no', 'deny', { statements: ['DROP'] }), rule('ask', 'hold', { statements: ['DELETE'] })];
    const judged = judge("SELECT 1; DELETE FROM items; DROP TABLE items; SELECT 'x'", context(rules));
    expect(judged.statements.map((statement) => statement.verdict.action)).toEqual(['allow', 'hold', 'deny', 'allow']);
    expect(judged.action).toBe('deny');
    expect(judge(' ; -- nothing', context(rules))).toEqual({ statements: [], action: 'allow' });
    expect(() => judge('SELEC 1', context())).toThrow(SqlSyntaxError);
  });

  it('resolves its relations', () => {
    const [statement] = judge('INSERT INTO items SELECT * FROM hr.staff, pg_class', context()).statements;
    expect(statement?.relations).toEqual([
      { name: 'public.items', access: 'write' },
      { name: 'hr.staff', access: 'read' },
      { name: 'pg_catalog.pg_class', access: 'read' },
    ]);
  });

  it('says when the catalog may change', () => {
    const changes = (text: string) => judge(text, context()).statements[0]?.changesCatalog;
    expect(changes('CREATE TABLE n (a int)')).toBe(true);
    expect(changes('DO $$ BEGIN END $$')).toBe(true);
    expect(changes('SELECT purge()')).toBe(true);
    expect(changes('DELETE FROM items')).toBe(false);
  });
});

describe('the remembering judge', () => {
  it('answers the same text in the same context from memory, and nothing else', () => {
    const remembering = createJudge({ maxBytes: 1_000_000 });
    const base = context();
    const first = remembering.judge('SELECT id FROM items', base);
    expect(remembering.judge('SELECT id FROM items', base)).toBe(first);
    expect(remembering.judge('SELECT id FROM items ', base)).not.toBe(first);
    const others: JudgeContext[] = [
      { ...base, policy: { ...base.policy, version: 2 } },
      { ...base, catalog: { ...catalog, version: catalog.version + 1 } },
      { ...base, principal: { ...principal, groups: ['dba'] } },
      { ...base, connection: connection({ id: 'con_2' }) },
      { ...base, searchPath: null },
    ];
    for (const other of others) expect(remembering.judge('SELECT id FROM items', other)).not.toBe(first);
  });

  it('asks the clock anew where rules do', () => {
    const remembering = createJudge({ maxBytes: 1_000_000 });
    const rules = [rule('noon', 'deny', { hours: { from: '12:00', to: '13:00' } })];
    expect(remembering.judge('SELECT 1', context(rules)).action).toBe('deny');
    expect(remembering.judge('SELECT 1', { ...context(rules), now: new Date('2026-07-01T15:00:00Z') }).action).toBe('allow');
  });

  it('forgets the oldest when it is full', () => {
    const remembering = createJudge({ maxBytes: 20_000 });
    const first: Judgement = remembering.judge('SELECT 0', context());
    for (let i = 1; i < 50; i += 1) remembering.judge(`SELECT ${i}`, context());
    expect(remembering.judge('SELECT 0', context())).not.toBe(first);
  });
});

describe('COPY to the client where a rule looks into content', () => {
  const detecting = (text: string, mode: 'enforce' | 'observe', groups: string[] = []) => {
    const masking = [
      {
        ...{ name: 'cards-anywhere', connections: [], columns: [], detect: ['credit_card' as const], mask: { type: 'redact' } as const },
        ...{ inference: 'guarded' as const, exceptGroups: ['cleared'], mode },
      },
    ];
    const base = context();
    return judge(text, { ...base, policy: { ...base.policy, masking }, principal: { ...principal, groups } }).statements[0];
  };

  const touch = (text: string, mode: 'enforce' | 'observe' = 'enforce', groups: string[] = []) => detecting(text, mode, groups)?.touch;

  it('is followed, so that its columns and their types are known', () => {
    for (const text of [
      'copy items to stdout',
      'copy (select name from items) to stdout (format binary)',
      'copy items to stdout csv header',
    ])
      expect(touch(text)).toMatchObject({ state: 'resolved', columns: [], outputs: expect.arrayContaining([]), copy: expect.anything() });
    expect(touch('copy items to stdout', 'observe')).toEqual({ state: 'clean' });
    expect(touch('copy items to stdout', 'enforce', ['cleared'])).toEqual({ state: 'clean' });
    expect(touch('copy items from stdin')).toEqual({ state: 'clean' });
  });

  it.each([
    ["copy items to stdout (encoding 'LATIN1')", 'ENCODING'],
    ["copy items to stdout (null 'x')", 'NULL string'],
    ['copy (select * from nowhere) to stdout', 'columns are not known'],
  ])('is refused where that cannot be: %s', (text, why) => {
    expect(detecting(text, 'enforce')?.verdict).toMatchObject({ action: 'deny', why: expect.stringContaining(why) });
  });
});

describe('code planted under masks', () => {
  const masked = (text: string) => {
    const masking = [
      {
        name: 'pii',
        connections: [],
        columns: ['public.items.name'],
        detect: [],
        mask: { type: 'redact' } as const,
        inference: 'guarded' as const,
        exceptGroups: [],
        mode: 'enforce' as const,
      },
    ];
    const base = context();
    const masks = maskedColumnsFor({ masking, connection: base.connection, principal, catalog });
    return judge(text, { ...base, policy: { ...base.policy, masking }, masks }).statements[0]?.verdict;
  };

  it.each([
    "create function leak() returns trigger language plpgsql as 'begin return new; end'",
    'create trigger t before update on hr.staff for each row execute function purge()',
    'create rule r as on update to hr.staff do also select 1',
    'create aggregate agg(int) (sfunc = int4pl, stype = int)',
  ])('a person looks at it: %s', (text) => {
    expect(masked(text)).toMatchObject({ action: 'hold', decidedBy: 'opaque' });
    expect(verdict(text).action).toBe('allow');
  });

  it.each(["create type mood as enum ('a')", 'create table t (id int)', 'create index i on hr.staff (id)'])('is no code: %s', (text) => {
    expect(masked(text)?.action).toBe('allow');
  });
});

describe('rules about tables', () => {
  const onItems = [rule('no-items', 'deny', { tables: ['public.items'] })];
  const onLog = [rule('no-log', 'deny', { tables: ['public.log'] })];
  const onOld = [rule('no-old', 'deny', { tables: ['public.log_old'] })];

  it.each([
    ['select id from priced', onItems],
    ['select id from dear', onItems],
    ['update priced set price = 1 where id = 1', onItems],
    ['select * from log_old', onLog],
    ['delete from log where id = 1', onOld],
  ])('reach what stands behind a name: %s', (text, rules) => {
    expect(verdict(text, rules)).toMatchObject({ action: 'deny', decidedBy: 'rule' });
  });

  it('and nothing else', () => {
    expect(verdict('select id from hr.staff', [...onItems, ...onLog, ...onOld]).action).toBe('allow');
  });
});
