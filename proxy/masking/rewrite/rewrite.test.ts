import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../../db/embedded/testing';
import type { Inference, MaskSpec } from '../../../db/schema/shapes';
import { loadCatalog } from '../../catalog/load';
import type { CatalogSnapshot } from '../../catalog/types';
import { judge } from '../../policy/judge';
import type { ConnectionPolicy, MaskingRule, Principal } from '../../policy/types';
import { loadParser, SqlTooComplexError } from '../../sql/parse';
import { maskedColumnsFor } from '../columns';

const SCHEMA = `
create table t (id int primary key, s text, n int);
create table "Ünï ""q""" (id int, "Sé" text);
create schema hr; create table hr.t (id int, s text); create table hr.only_here (id int, s text);
create table child (extra text) inherits (t);
create table plain (id int, s text);
create view v as select id as i, s as w, upper(s) as u from t;
create function whole(p t) returns text language sql immutable as 'select p.s';
create function looked_up(int) returns text language sql stable as 'select s from t where id = $1';
create table keyed (id int, s text, a text[], h text);
`;

const connection = { id: 'con_1', name: 'shop', default: 'allow', opaque: 'allow' } as ConnectionPolicy;
const principal = { id: 'pri_1', name: 'bot', groups: [] } as unknown as Principal;

let database: TestDatabase;
let client: pg.Client;
let catalog: CatalogSnapshot;
beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(SCHEMA);
  catalog = await loadCatalog(client);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

function rule(columns: string[], mask: MaskSpec = { type: 'null' }, inference: Inference = 'masked'): MaskingRule {
  return { name: columns.join(), connections: ['*'], columns, detect: [], mask, inference, exceptGroups: [], mode: 'enforce' };
}
const RULES = [rule(['*.*.s', '*.*.Sé', 'public.keyed.a'])];

function judged(text: string, masking = RULES, searchPath?: null) {
  const masks = maskedColumnsFor({ masking, connection, principal, catalog });
  const policy = { version: 1, connections: new Map(), access: [], rules: [], masking };
  return judge(text, { connection, principal, policy, catalog, masks, now: new Date(0), ...(searchPath === null ? { searchPath } : {}) });
}

const NONE = 'CAST(NULL AS "pg_catalog"."text")';
const T = `(SELECT "id", ${NONE} AS "s", "n" FROM "public"."t")`;
const HR = `(SELECT "id", ${NONE} AS "s" FROM "hr"."t")`;
const Q = `(SELECT "id", ${NONE} AS "Sé" FROM "public"."Ünï ""q""")`;

describe('a reference is replaced, and nothing else', () => {
  test.each<[string, string]>([
    ['select s from t', `select s from ${T} AS "t"`],
    ['select s from t where s = 1 -- t', `select s from ${T} AS "t" where s = 1 -- t`],
    ['select x.s from t x', `select x.s from ${T} x`],
    ['select x.b from t as x (a, b)', `select x.b from ${T} as x (a, b)`],
    ['select s from public.t', `select s from ${T} AS "t"`],
    ['select s from "public" . /* c */ "t" ;', `select s from ${T} AS "t" ;`],
    ['select s from T', `select s from ${T} AS "t"`],
    ['select s from U&"\\0074"', `select s from ${T} AS "t"`],
    [`select s from U&"!0074" UESCAPE '!' x`, `select s from ${T} x`],
    ['select s from t *', `select s from ${T} AS "t"`],
    ['select s from only t', `select s from ${T.replace('FROM ', 'FROM ONLY ')} AS "t"`],
    ['select s from ONLY ( public.t ) x', `select s from ${T.replace('FROM ', 'FROM ONLY ')} x`],
    ['select s from hr.t', `select s from ${HR} AS "t"`],
    ['select t.s, public.t.id, public . t . * from public.t', `select t.s, t.id, t . * from ${T} AS "t"`],
    ['select a.s, b.s from t a, t b', `select a.s, b.s from ${T} a, ${T} b`],
    [
      'select a.s from t a join (t b cross join plain p) using (id)',
      `select a.s from ${T} a join (${T} b cross join ${PLAIN()}) using (id)`,
    ],
    [`select '日本語 t', "Sé" from "Ünï ""q""" /* é */ order by 2`, `select '日本語 t', "Sé" from ${Q} AS "Ünï ""q""" /* é */ order by 2`],
    ['table t', `SELECT * FROM ${T} AS "t"`],
    ['TABLE only t union all table t', `SELECT * FROM ${T.replace('FROM ', 'FROM ONLY ')} AS "t" union all SELECT * FROM ${T} AS "t"`],
    ['with t as (select 1 as s) select s from t', 'with t as (select 1 as s) select s from t'],
    ['with t as (select s from t) select s from t', `with t as (select s from ${T} AS "t") select s from t`],
    ['with recursive t as (select null::text as s union all select s from t where false) select s from t', 'same'],
    [
      'with w as (select 1) select (with t as (select 2 as s) select s from t), s from t',
      `with w as (select 1) select (with t as (select 2 as s) select s from t), s from ${T} AS "t"`,
    ],
    ['with t as (select 1 as s) select s from public.t', `with t as (select 1 as s) select s from ${T} AS "t"`],
    ['select (select max(s) from t i where i.id = o.id) from t o', `select (select max(s) from ${T} i where i.id = o.id) from ${T} o`],
    [
      'select * from plain p, lateral (select s from t where id = p.id) l',
      `select * from ${PLAIN()}, lateral (select s from ${T} AS "t" where id = p.id) l`,
    ],
    ['select 1 where exists (select from t where s is null)', `select 1 where exists (select from ${T} AS "t" where s is null)`],
    ['select s from t intersect select s from hr.t', `select s from ${T} AS "t" intersect select s from ${HR} AS "t"`],
    ['explain (costs off) select s from t', `explain (costs off) select s from ${T} AS "t"`],
    ['prepare p as select s from t where id = $1', `prepare p as select s from ${T} AS "t" where id = $1`],
    ['declare c cursor for select s from t', `declare c cursor for select s from ${T} AS "t"`],
    ['copy (select s from t) to stdout', `copy (select s from ${T} AS "t") to stdout`],
    ['create table made as select s from t', `create table made as select s from ${T} AS "t"`],
    ['select s into made from t', `select s into made from ${T} AS "t"`],
    ['delete from orders using t where t.s = orders.s', `delete from orders using ${T} AS "t" where t.s = orders.s`],
    ['select w from v', `select w from (SELECT "i", ${NONE} AS "w", ${NONE} AS "u" FROM "public"."v") AS "v"`],
    // Statements that read no masked column go as they came.
    ['select id from t', 'same'],
    ['select count(*) from t for update', 'same'],
    ['insert into t (id, s) values (1, $1)', 'same'],
    [`update t set s = 'x' where id = 3 returning id`, 'same'],
    ['select 1', 'same'],
    ['copy t (id, n) to stdout', 'same'],
  ])('%s', (sql, expected) => {
    const judgement = judged(sql);
    expect(judgement.statements.map(({ touch }) => touch).filter(({ state }) => state === 'unresolved')).toEqual([]);
    expect(judgement.forward?.text ?? 'same').toBe(expected === sql ? 'same' : expected);
  });

  test('of several statements each by itself, whatever stands before', () => {
    const judgement = judged(`select 'é'; select s from t; /* 😀 */ select 1;select s from t x`);
    expect(judgement.forward?.text).toBe(`select 'é'; select s from ${T} AS "t"; /* 😀 */ select 1;select s from ${T} x`);
    expect(judgement.statements.map(({ rewritten }) => rewritten?.text ?? null)).toEqual([
      null,
      `select s from ${T} AS "t"`,
      null,
      `select s from ${T} x`,
    ]);
  });

  test('where the search_path is not known a bare name keeps its meaning', () => {
    expect(judged('select s from only_here', RULES, null).forward?.text).toBe(
      `select s from (SELECT "id", ${NONE} AS "s" FROM "only_here") AS "only_here"`,
    );
  });
});

/** Its s is masked too. */
function PLAIN() {
  return `(SELECT "id", ${NONE} AS "s" FROM "public"."plain") p`;
}

describe('what cannot be read masked is refused, and says why', () => {
  test.each<[string, string]>([
    [`update t set n = 1 where s = 'x'`, 'it is the target of UPDATE'],
    ['update t set n = 1 returning s', 'it is the target of UPDATE'],
    [`delete from t where s like 'x%'`, 'it is the target of DELETE'],
    ['insert into t values (1) returning *', 'it is the target of INSERT'],
    ['merge into t using plain p on p.id = t.id when matched and t.s is null then delete', 'it is the target of MERGE'],
    ['select s from t for update', 'its rows are locked'],
    ['select x.s from t x, plain for share of x', 'its rows are locked'],
    ['select * from (select s from t) x for update', 'its rows are locked'],
    ['select s from t tablesample system (10)', 'TABLESAMPLE'],
    ['select ctid, s from t', 'ctid is a system column'],
    ['select s from t x where x.xmin is not null', 'xmin is a system column'],
    ['copy t to stdout', 'use COPY (SELECT'],
    ['create view w as select s from t', 'the definition would be kept'],
    ['create materialized view w as select s from t', 'would be kept'],
    ['insert into t (id, s) select id, s from t', 'in the place of a true value'],
    ['update t set s = p.s from plain p where p.id = t.id', 'in the place of a true value'],
    [`explain select 1 from t where s > 'x' for update`, 'its rows are locked'],
  ])('%s', (sql, why) => {
    const { statements, action, forward } = judged(sql);
    expect(statements[0]?.touch).toMatchObject({ state: 'unresolved', reason: expect.stringContaining(why) });
    expect(action).toBe('deny');
    expect(forward).toBeUndefined();
  });

  test('a lock on another relation is no obstacle', () => {
    expect(judged('select x.s from t x, (select 1 as id) y for update of y').forward?.text).toContain(`from ${T} x,`);
  });
});

describe('beside columns of other inference', () => {
  const mixed = (inference: Inference) => [rule(['public.keyed.s']), rule(['public.keyed.h'], { type: 'redact' }, inference)];
  test('each has its own', () => {
    const both = `select s, h from keyed where s like 'x%'`;
    expect(judged(both, mixed('closed')).forward?.text).toContain(`(SELECT "id", ${NONE} AS "s", "a", "h" FROM "public"."keyed")`);
    expect(judged(both, mixed('closed')).statements[0]?.touch).toMatchObject({
      state: 'resolved',
      outputs: [{ mask: null }, { mask: { spec: { type: 'redact' } } }],
      columns: ['public.keyed.h', 'public.keyed.s'],
    });
    expect(judged(`select 1 from keyed where s = 'x' and h = 'y'`, mixed('closed')).action).toBe('deny');
    expect(judged(`select 1 from keyed where s = 'x' and h = 'y'`, mixed('guarded')).action).toBe('allow');
    expect(judged(`select 1 from keyed where s < 'x' and h < 'y'`, mixed('guarded')).action).toBe('deny');
    expect(judged(`select 1 from keyed where s < 'x' and h < 'y'`, mixed('open')).action).toBe('allow');
  });

  test('a mask the server cannot compute leaves by the gateway, and is closed', () => {
    const hashed = [rule(['public.keyed.s'], { type: 'hash' }), rule(['public.keyed.a'], { type: 'partial', keepLast: 1 })];
    expect(judged('select s, a from keyed', hashed)).toMatchObject({
      action: 'allow',
      statements: [{ touch: { outputs: [{ mask: { spec: { type: 'hash' } } }, { mask: { spec: { type: 'partial' } } }] } }],
    });
    expect(judged('select s, a from keyed', hashed).forward).toBeUndefined();
    expect(judged(`select id from keyed where s = 'x'`, hashed).action).toBe('deny');
  });

  test('a function that reads the base column reads it as it is stored: its result is masked by the gateway', () => {
    expect(judged('select looked_up(id), s from t').statements[0]?.touch).toMatchObject({
      state: 'resolved',
      outputs: [{ mask: { spec: { type: 'null' } } }, { mask: null }],
    });
    expect(judged(`select s from t where looked_up(id) = 'x'`).action).toBe('deny');
  });
});

test('bytes outside the references stay as they are, and positions lead back to them', () => {
  const pieces = ['/* t 😀 */', ' ', '\n', `'t'`, '"é"', '$t$ from t $t$', '1', 'upper(s)', `E'\\'t'`, 'n', `U&"\\0073"`];
  for (let seed = 1; seed < 150; seed++) {
    let state = seed;
    const random = (below: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    const items = Array.from({ length: 1 + random(4) }, () => `${pieces[random(3)]}${pieces[3 + random(pieces.length - 3)]} as x`);
    const sql =
      `select${pieces[random(3)]} ${items.join(',')}, s from${pieces[random(3)]} t${pieces[random(3)]}  -- ${'é'.repeat(random(3))}t`.replaceAll(
        '"é" as',
        '1 as',
      );
    const { forward } = judged(sql);
    if (forward === undefined) throw new Error(sql);
    const [edit] = forward.edits;
    expect(forward.text.startsWith(sql.slice(0, edit?.start))).toBe(true);
    expect(forward.text.endsWith(sql.slice(edit?.end))).toBe(true);
    expect(sql.slice(edit?.start, edit?.end)).toBe('t');
  }
});

test.each([
  [
    'very many references',
    `select 1 from plain p where ${Array.from({ length: 1_000 }, (_, i) => `s = (select max(s) from t x${i})`).join(' or ')}`,
  ],
  ['very many names of WITH', `with ${Array.from({ length: 1_000 }, (_, i) => `w${i} as (select s from t)`).join(', ')} select s from t`],
  ['very many columns', `select ${'x.ctid, public.t.s, é.ctid, '.repeat(1_500)} s from public.t`],
])('%s take no time to speak of', (_name, sql) => {
  const startMs = performance.now();
  try {
    judged(sql);
  } catch (error) {
    expect(error).toBeInstanceOf(SqlTooComplexError);
  }
  expect(performance.now() - startMs).toBeLessThan(5_000);
});
