import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import type { EnforcementReport, MaskSpec } from '../../db/schema/shapes';
import { catalogFingerprint, loadCatalog } from '../catalog/load';
import type { CatalogSnapshot } from '../catalog/types';
import { maskedColumnsFor } from '../masking/columns';
import type { ConnectionPolicy, MaskingRule } from '../policy/types';
import { loadParser } from '../sql/parse';
import { withoutRelations } from './maskingViews';
import { ownerOf } from './owner';
import { readRights } from './rights';
import { readViewComments } from './roleFacts';
import { hardeningScript } from './script';
import type { HardeningRequest } from './types';
import { verifyRole } from './verify';
import { HASH_KEY_TABLE } from './viewExpression';

const SECRETS = ['078-05-1120', 'ada@example.com', '4111 1111 1111 1111', '+44 20 7946 0123', '91234', 'purple'];
const PASSWORD = 'least-4711';

let database: TestDatabase;
let root: pg.Client;
let least: pg.Client;
let app: string;
let role: string;
let sql: string;

const rule = (name: string, columns: string[], mask: MaskSpec): MaskingRule => ({
  ...{ name, connections: [], columns, detect: [], mask, inference: 'guarded', exceptGroups: ['cleared'], mode: 'enforce' },
});
let rules: MaskingRule[] = [];
const masksIn = (catalog: CatalogSnapshot) =>
  maskedColumnsFor({ masking: rules, connection: { name: 'shop' } as ConnectionPolicy, principal: { groups: [] }, catalog }).all;

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  root = await connect(database.url);
  app = `app_${database.database}`;
  role = `least_${database.database}`;
  rules = [
    rule('ssn', ['public.people.ssn'], { type: 'partial', keepLast: 4 }),
    rule('email', ['public.people.email'], { type: 'email' }),
    rule('card', ['public.people.card'], { type: 'hash' }),
    rule('phone', ['public.people.phone'], { type: 'redact' }),
    rule('pay', ['public.people.pay'], { type: 'number', bucket: 1000 }),
    rule('odd', ['*.*.Mot\u00e9 "x"', 'public.people.born'], { type: 'date', truncate: 'year' }),
  ];
  await root.query(`
    create role ${app} login password '${PASSWORD}'; create schema hr; revoke temporary on database ${database.database} from public;
    create domain address as text check (value ~ '@');
    create table people (id int primary key, name text not null, ssn text unique, email address, card varchar(30), phone text, pay numeric(10,2),
      born date, "Mot\u00e9 ""x""" text, mail_lower text generated always as (lower(email::text)) stored);
    create table places (id serial primary key, city text);
    create table hr.people (id int primary key, pay int);
    create view contacts as select id, name, email from people;
    create table vips (perk text) inherits (people);
    create function plus_one(n int) returns int language sql as 'select n + 1';
    create function only_app() returns int language sql as 'select 1'; revoke execute on function only_app() from public;
    grant execute on function only_app() to ${app};
    insert into people (id, name, ssn, email, card, phone, pay, born, "Mot\u00e9 ""x""")
      values (1, 'Ada', '078-05-1120', 'ada@example.com', '4111 1111 1111 1111', '+44 20 7946 0123', 91234.56, '1815-12-10', 'purple');
    insert into places (city) values ('Oslo');
    grant usage on schema public, hr to ${app}; grant select, insert, update, delete on all tables in schema public to ${app};
    grant usage on all sequences in schema public to ${app};
    analyze people;`);
  sql = hardeningScript(await request());
  await root.query(sql);
  // Once more: the script can be run after every change.
  await root.query(sql);
  await root.query(`alter role ${role} password '${PASSWORD}'`);
  least = await connect(database.urlAs(role, PASSWORD));
}, 60_000);

afterAll(async () => {
  await least.end();
  await root.query(`drop owned by ${role}, ${ownerOf(role)}, ${app} cascade; drop role ${role}, ${ownerOf(role)}, ${app}`);
  await root.end();
  await database.drop();
});

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function request(change: Partial<HardeningRequest> = {}): Promise<HardeningRequest> {
  const whole = await loadCatalog(root);
  const catalog = withoutRelations(whole, new Set((await readViewComments(root)).keys()));
  return {
    ...{ connection: 'shop', database: database.database, catalog, masks: masksIn(catalog), model: await readRights(root, app), role },
    ...{ schema: 'gatehouse_masked', readOnly: false, revokePublic: false },
    ...change,
  };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );

const verify = async (client = least, who: string | null = null): Promise<EnforcementReport> =>
  verifyRole(client, await loadCatalog(client), masksIn, who);

describe('as the role that the script made', () => {
  test('every masked column is refused, directly and in every disguise', async () => {
    const { catalog, masks } = await request();
    expect(masks.map((mask) => mask.column)).toEqual(
      expect.arrayContaining(['public.people.ssn', 'public.people.mail_lower', 'public.vips.ssn', 'public.contacts.email']),
    );
    for (const mask of masks) {
      const relation = catalog.relations.get(mask.relationOid);
      const column = relation?.columns.find((item) => item.number === mask.attributeNumber)?.name ?? '';
      const from = `"${relation?.schema}"."${relation?.name}"`;
      expect(await codeOf(least.query(`select "${column.replaceAll('"', '""')}" from ${from}`)), mask.column).toBe('42501');
    }
    for (const attempt of [
      'select * from public.people',
      'select p from public.people p',
      'select count(ssn) from public.people',
      'select 1 from public.people where ssn like $$0%$$',
      'select id from public.people order by phone',
      'update public.people set name = ssn',
      'update public.people set name = name returning ssn',
      'insert into places (city) select phone from public.people',
      'explain select ssn from public.people',
      'copy public.people to stdout',
      'do $$ declare v text; begin select ssn into v from public.people; raise notice $x$%$x$, v; end $$',
      `select * from gatehouse_masked.${HASH_KEY_TABLE}`,
      'create table mine (x int)',
      'create temp table mine (x int)',
      `set role ${ownerOf(role)}`,
    ])
      expect(await codeOf(least.query(attempt)), attempt).toBe('42501');
  });

  test('SELECT * meets the masking view, and every mask is one of the column’s type', async () => {
    const { rows, fields } = await least.query('select * from people');
    expect(rows).toEqual([
      {
        id: 1,
        name: 'Ada',
        ssn: '***-**-1120',
        email: 'a***@example.com',
        card: expect.stringMatching(/^h_[0-9a-f]{24}$/),
        phone: '***',
        pay: '91000',
        born: new Date(1815, 0, 1),
        'Moté "x"': null,
        mail_lower: '***',
      },
    ]);
    const base = await root.query('select * from people');
    expect(fields.map((field) => field.dataTypeID)).toEqual(base.fields.map((field) => field.dataTypeID));
    expect((await least.query('select * from contacts')).rows).toEqual([{ id: 1, name: 'Ada', email: expect.stringMatching(/\*\*\*/) }]);
    expect((await least.query('select id, name from public.people')).rows).toEqual([{ id: 1, name: 'Ada' }]);
  });

  test('what is not masked is as it was: writes, sequences, functions', async () => {
    await least.query("insert into places (city) values ('Rome')");
    await least.query("update people set name = 'Ada L.' where id = 1; insert into public.people (id, name, ssn) values (2, 'Bo', '1')");
    expect((await least.query('delete from people where id = 2')).rowCount).toBe(1);
    expect((await least.query('select only_app(), plus_one(1)')).rows).toEqual([{ only_app: 1, plus_one: 2 }]);
    expect((await root.query('select name, ssn from people')).rows).toEqual([{ name: 'Ada L.', ssn: '078-05-1120' }]);
  });

  test('errors, statistics and estimates say nothing of masked values', async () => {
    const said = await least
      .query("insert into public.people (id, name, ssn) values (3, 'Cy', '078-05-1120')")
      .catch((error: unknown) => error);
    expect(said).toMatchObject({ code: '23505', detail: undefined });
    expect((await least.query("select * from pg_stats where tablename = 'people' and attname in ('ssn', 'email', 'phone')")).rows).toEqual(
      [],
    );
    expect((await least.query("select * from pg_stats where tablename = 'people' and attname = 'name'")).rowCount).toBeGreaterThan(0);
  });

  test('no secret value reaches it by any relation it can read', async () => {
    const { rows } = await least.query<{ name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'v', 'm', 'p') and n.nspname !~ '^pg_toast' and has_table_privilege(c.oid, 'SELECT')`,
    );
    expect(rows.length).toBeGreaterThan(50);
    for (const { name } of rows) {
      const text = JSON.stringify(
        await least.query(`select * from ${name}`).then(
          (result) => result.rows,
          () => [],
        ),
      );
      for (const secret of SECRETS) expect(text.includes(secret) ? `${name} shows ${secret}` : '').toBe('');
    }
  });

  test('pseudonyms are the same over runs, and joins on them work', async () => {
    const before = (await least.query('select card from people')).rows;
    await root.query(hardeningScript(await request()));
    expect((await least.query('select card from people')).rows).toEqual(before);
    expect((await least.query('select a.id from people a join people b using (card)')).rowCount).toBe(1);
  });
});

describe('verify', () => {
  test('a role that the script made is database-enforced', async () => {
    const report = await verify();
    expect(report.reasons).toEqual([]);
    expect(report.crossings).toEqual([]);
    expect(report.state).toBe('database');
    expect(report.role).toBe(role);
    expect(report.columns.length).toBeGreaterThan(15);
    expect(report.columns.every((proof) => !proof.privilege && proof.attempt === 'refused')).toBe(true);
    expect(report.maskingViews).toEqual(['contacts', 'people', 'vips'].map((name) => `gatehouse_masked.${name}`));
  });

  test('the role it was modelled on is not, and says what it reads', async () => {
    const client = await connect(database.urlAs(app, PASSWORD));
    const report = await verify(client);
    await client.end();
    expect(report.state).toBe('gateway');
    expect(report.reasons).toContain('the role has SELECT on public.people.ssn');
    expect(report.columns.find((proof) => proof.column === 'public.people.ssn')).toMatchObject({ privilege: true, attempt: 'answered' });
    expect(report.crossings).toContainEqual(expect.objectContaining({ kind: 'statistics', object: 'public.people.ssn' }));
  });

  test('another role is proved by acting as it, and is not proved where that is refused', async () => {
    expect(await verify(root, role)).toMatchObject({ state: 'database', role });
    const client = await connect(database.urlAs(app, PASSWORD));
    const report = await verify(client, role);
    await client.end();
    expect(report.state).toBe('gateway');
    expect(report.reasons).toEqual([expect.stringContaining(`may not act as ${role}`)]);
    expect(report.columns.every((proof) => proof.attempt === 'not tried')).toBe(true);
  });

  test('a column that could not be tried is not proved', async () => {
    const catalog = await loadCatalog(least);
    await root.query('begin; lock table public.people in access exclusive mode');
    try {
      const report = await verifyRole(least, catalog, masksIn, null);
      expect(report.state).toBe('gateway');
      expect(report.reasons).toContain('reading public.people.ssn was not refused (failed 55P03)');
    } finally {
      await root.query('rollback');
    }
  });

  test('it leaves nothing behind', async () => {
    await verify();
    expect((await least.query('show search_path')).rows).toEqual([{ search_path: 'gatehouse_masked, public' }]);
    expect((await least.query('select pg_current_xact_id_if_assigned() as xid, current_user as who')).rows).toEqual([
      { xid: null, who: role },
    ]);
  });
});

/** What is planted, what takes it away, and what verify says of it. */
type Planted = [name: string, plant: string, remove: string, found: Partial<EnforcementReport['crossings'][number]> | RegExp];

describe('what could cross is listed', () => {
  beforeEach(async () => {
    expect((await verify()).state).toBe('database');
  });

  const table = (): Planted[] => [
    [
      'a SECURITY DEFINER function that reads a masked table',
      `create function peek(n int) returns text language sql security definer as 'select ssn from public.people where id = n'`,
      'drop function peek(int)',
      { kind: 'function', object: 'public.peek', detail: expect.stringContaining('names people') },
    ],
    [
      'one that reads it through another function',
      `create function inner_peek() returns text language sql as 'select ssn from public.people';
       create function outer_peek() returns text language plpgsql security definer as 'begin return inner_peek(); end'`,
      'drop function inner_peek(), outer_peek()',
      { kind: 'function', object: 'public.outer_peek', detail: expect.stringContaining('may call public.inner_peek') },
    ],
    [
      'one that builds its SQL',
      `create function run_it(q text) returns text language plpgsql security definer as 'declare r text; begin execute q into r; return r; end'`,
      'drop function run_it(text)',
      { kind: 'function', object: 'public.run_it', detail: expect.stringContaining('builds SQL') },
    ],
    [
      'a view with its owner’s rights',
      `create view leak as select id, ssn as number from public.people; grant select on leak to ${role}`,
      'drop view leak',
      { kind: 'view', object: 'public.leak', detail: expect.stringContaining('number') },
    ],
    [
      'a masking view that was changed afterwards',
      `create or replace view gatehouse_masked.contacts with (security_barrier) as select id, name, email::text as email from public.people`,
      `drop view gatehouse_masked.contacts`,
      { kind: 'view', object: 'gatehouse_masked.contacts' },
    ],
    [
      'a view that only says it is a masking view',
      `create view fake as select id, ssn from public.people; grant select on fake to ${role};
       comment on view fake is 'Gatehouse masking view (made 0, stored 0)'`,
      'drop view fake',
      { kind: 'view', object: 'public.fake' },
    ],
    [
      'a trigger that notifies',
      `create function tell() returns trigger language plpgsql as 'begin perform pg_notify(''people'', new.ssn); return new; end';
       create trigger tell after insert on public.people for each row execute function tell()`,
      'drop trigger tell on public.people; drop function tell()',
      { kind: 'trigger', object: 'public.people (public.tell)', detail: expect.stringContaining('notifies') },
    ],
    [
      'a trigger that raises, through a function it calls',
      `create function shout(t text) returns void language plpgsql as 'begin raise notice ''%'', t; end';
       create function tell() returns trigger language plpgsql as 'begin perform shout(old.ssn); return new; end';
       create trigger tell before update on public.people for each row execute function tell()`,
      'drop trigger tell on public.people; drop function tell(), shout(text)',
      {
        kind: 'trigger',
        object: 'public.people (public.tell)',
        detail: expect.stringContaining('calls public.shout, which raises messages'),
      },
    ],
    [
      'a rule that rewrites',
      `create rule copy_it as on delete to public.people do also insert into places (city) values (old.ssn)`,
      'drop rule copy_it on public.people',
      { kind: 'rule', object: 'public.people (on delete)' },
    ],
    [
      'a foreign server it may use',
      `create foreign data wrapper fake_fdw; create server elsewhere foreign data wrapper fake_fdw;
       grant usage on foreign server elsewhere to ${role}; create user mapping for public server elsewhere options (password 'x')`,
      'drop foreign data wrapper fake_fdw cascade',
      { kind: 'foreign server', object: 'elsewhere', detail: expect.stringContaining('user mapping signs it in') },
    ],
    [
      'a foreign-data wrapper',
      `create foreign data wrapper other_fdw; grant usage on foreign data wrapper other_fdw to ${role}`,
      'drop foreign data wrapper other_fdw cascade',
      { kind: 'foreign server', object: 'other_fdw' },
    ],
    [
      'a function for files',
      `grant execute on function pg_read_file(text) to ${role}`,
      `revoke execute on function pg_read_file(text) from ${role}`,
      { kind: 'outside function', object: 'pg_catalog.pg_read_file' },
    ],
    [
      'a large object',
      `select lo_create(4711); grant select on large object 4711 to ${role}`,
      'select lo_unlink(4711)',
      { kind: 'large object' },
    ],
    [
      'TRIGGER on a masked table',
      `grant trigger on public.people to ${role}`,
      `revoke trigger on public.people from ${role}`,
      { kind: 'privilege', object: 'public.people' },
    ],
    [
      'a schema to create in',
      `create schema own; grant create on schema own to ${role}`,
      'drop schema own',
      { kind: 'create', object: 'own' },
    ],
    [
      'pg_statistic',
      `grant select on pg_statistic to ${role}`,
      `revoke select on pg_statistic from ${role}`,
      { kind: 'system catalog', object: 'pg_catalog.pg_statistic' },
    ],
  ];

  test.each(table().map(([name], index) => [name, index] as const))('%s', async (_name, index) => {
    const [, plant, remove, found] = table()[index] ?? expect.fail('no such row');
    const before = await catalogFingerprint(least);
    await root.query(plant);
    const planted = await catalogFingerprint(least);
    try {
      const report = await verify();
      expect(report.state).toBe('except');
      // Large objects are no part of the catalog that is watched: docs/security.md says so.
      if (report.crossings.every((crossing) => crossing.kind !== 'large object')) expect(planted).not.toBe(before);
      expect(report.crossings).toContainEqual(expect.objectContaining(found));
    } finally {
      await root.query(remove);
      if (plant.includes('gatehouse_masked.contacts')) await root.query(hardeningScript(await request()));
    }
  });

  test.each([
    ['SUPERUSER', () => `alter role ${role} superuser`, () => `alter role ${role} nosuperuser`, /the role is SUPERUSER/],
    ['BYPASSRLS', () => `alter role ${role} bypassrls`, () => `alter role ${role} nobypassrls`, /the role is BYPASSRLS/],
    ['a role that reads', () => `grant ${app} to ${role}`, () => `revoke ${app} from ${role}`, /member of app_.*reads masked columns/],
    [
      'pg_read_all_data',
      () => `grant pg_read_all_data to ${role}`,
      () => `revoke pg_read_all_data from ${role}`,
      /member of pg_read_all_data/,
    ],
    ['pg_monitor', () => `grant pg_monitor to ${role}`, () => `revoke pg_monitor from ${role}`, /member of pg_monitor/],
    [
      'the owner',
      () => `alter table public.people owner to ${role}`,
      () => `alter table public.people owner to current_user`,
      /the role owns public.people/,
    ],
    [
      'one column',
      () => `grant select (phone) on public.people to ${role}`,
      () => `revoke select (phone) on public.people from ${role}`,
      /SELECT on public.people.phone/,
    ],
    [
      'CREATE',
      () => `grant create on schema public to ${role}`,
      () => `revoke create on schema public from ${role}`,
      /may create objects in public/,
    ],
    [
      'TEMPORARY',
      () => `grant temporary on database ${database.database} to public`,
      () => `revoke temporary on database ${database.database} from public`,
      /temporary objects/,
    ],
    [
      'the hash key',
      () => `grant select on gatehouse_masked.${HASH_KEY_TABLE} to ${role}`,
      () => `revoke select on gatehouse_masked.${HASH_KEY_TABLE} from ${role}`,
      /reads the key/,
    ],
  ])('%s makes it gateway-enforced, and is a change of the catalog', async (_name, give, take, reason) => {
    const before = await catalogFingerprint(least);
    await root.query(give());
    try {
      expect(await catalogFingerprint(least)).not.toBe(before);
      const report = await verify();
      expect(report.state).toBe('gateway');
      expect(report.reasons.join('\n')).toMatch(reason);
    } finally {
      await root.query(take());
      // A grant of the former owner's went with the table.
      await root.query(hardeningScript(await request()));
    }
  });

  test('a column that is masked from now on is found by the next verification, and closed by the next script', async () => {
    const before = rules;
    rules = [...rules, rule('city', ['public.places.city'], { type: 'redact' })];
    try {
      expect((await verify()).reasons).toEqual(expect.arrayContaining(['the role has SELECT on public.places.city']));
      await root.query(hardeningScript(await request()));
      expect(await verify()).toMatchObject({ state: 'database' });
      expect((await least.query('select distinct city from places')).rows).toEqual([{ city: '***' }]);
    } finally {
      rules = before;
      await root.query(hardeningScript(await request()));
    }
    expect((await least.query('select city from places order by id limit 1')).rows).toEqual([{ city: 'Oslo' }]);
  });

  test('a mask that became stricter: the view of before is no masking view any more', async () => {
    const before = rules;
    rules = rules.map((item) => (item.name === 'ssn' ? { ...item, mask: { type: 'redact' } } : item));
    try {
      expect((await verify()).crossings).toContainEqual(expect.objectContaining({ kind: 'view', object: 'gatehouse_masked.people' }));
    } finally {
      rules = before;
    }
  });
});

test('--read-only grants SELECT alone', async () => {
  const text = hardeningScript(await request({ readOnly: true }));
  expect(text).toContain('GRANT SELECT ON "public"."places"');
  expect(text.split('\n').filter((line) => /^GRANT .*(INSERT|UPDATE|DELETE)/.test(line))).toEqual([]);
});
