import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import type { Action } from '../../db/schema/shapes';
import { loadCatalog } from '../catalog/load';
import type { CatalogSnapshot } from '../catalog/types';
import { maskedColumnsFor } from '../masking/columns';
import { loadParser } from '../sql/parse';
import { wordsOf } from './bodies';
import { judge } from './judge';
import type { ConnectionPolicy, Principal, Rule } from './types';

let database: TestDatabase;
let client: pg.Client;
let catalog: CatalogSnapshot;

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    create extension moddatetime; create extension hstore;
    create table vault (id int primary key, word text); create table "Odd Name" (id int); create table status (id int);
    create table plain (id int primary key, word text, updated_at timestamptz, words tsvector);
    create view vault_view as select id, word from vault; create table audit (id int);

    create table ruled (id int, word text);
    create rule ruled_insert as on insert to ruled do instead insert into vault values (new.id, new.word);
    create rule ruled_delete as on delete to ruled do also delete from audit;

    create function touch() returns trigger language plpgsql as $$ begin new.updated_at := now(); return new; end $$;
    create function copies() returns trigger language plpgsql as $$ begin insert into vault values (new.id, 'x'); return new; end $$;
    create function looks() returns trigger language plpgsql as $$ begin perform 1 from vault; return new; end $$;
    create function odd() returns trigger language plpgsql as $$ begin insert into "Odd Name" values (1); return new; end $$;
    create function loud() returns trigger language plpgsql as $$ BEGIN INSERT INTO VAULT VALUES (1); RETURN new; END $$;
    create function through_view() returns trigger language plpgsql as $$ begin update vault_view set word = 'x'; return new; end $$;
    create function keep(i int) returns void language sql as 'insert into vault values (i, null)';
    create function calls() returns trigger language plpgsql as $$ begin perform keep(new.id); return new; end $$;
    create function chain() returns trigger language plpgsql as $$ begin insert into copied values (new.id); return new; end $$;
    create function runs_text() returns trigger language plpgsql as $$ begin execute 'insert into va' || 'ult values (1)'; return new; end $$;
    create function spells() returns trigger language plpgsql as $$ begin insert into U&"va\\0075lt" values (1); return new; end $$;

    create table touched (like plain); create trigger t before insert or update on touched for each row execute function touch();
    create trigger m before update on touched for each row execute function moddatetime(updated_at);
    create trigger s before insert or update on touched for each row
      execute function tsvector_update_trigger(words, 'pg_catalog.english', word);
    create table copied (id int); create trigger t before insert on copied for each row execute function copies();
    create table looked (id int); create trigger t before insert on looked for each row execute function looks();
    create table odd_one (id int); create trigger t before insert on odd_one for each row execute function odd();
    create table loud_one (id int); create trigger t before insert on loud_one for each row execute function loud();
    create table viewed (id int); create trigger t before insert on viewed for each row execute function through_view();
    create table called (id int); create trigger t before insert on called for each row execute function calls();
    create table chained (id int); create trigger t before insert on chained for each row execute function chain();
    create table dynamic (id int); create trigger t before insert on dynamic for each row execute function runs_text();
    create table spelled (id int); create trigger t before insert on spelled for each row execute function spells();
    create table off (id int); create trigger t before insert on off for each row execute function copies();
    alter table off disable trigger t;
    create table parted (id int, a int, b int); create trigger t after update of a on parted for each row execute function copies();
    create table part (id int) partition by range (id); create table part_1 partition of part for values from (0) to (9);
    create trigger t before insert on part_1 for each row execute function copies();
    create view copied_view as select id from copied;
    create view two as select c.id from copied c join plain p on p.id = c.id;
    create function instead() returns trigger language plpgsql as $$ begin delete from vault; return new; end $$;
    create trigger t instead of insert on two for each row execute function instead();

    create table owners (id int primary key, code int unique, name text);
    create table cars (id int primary key, owner int references owners on delete cascade);
    create table wheels (id int, car int references cars on delete set null);
    create table coded (id int, code int references owners (code) on update cascade);
    create table kept (id int references owners);
    create function secret_word() returns text language sql stable as 'select word from vault limit 1';
    create function known(text) returns bool language plpgsql as $$ begin return exists (select from vault where word = $1); end $$;
    create function folded(text) returns text language plpgsql immutable as $$ begin perform 1 from vault; return lower($1); end $$;
    create domain known_word as text check (known(value)); create domain plain_word as text check (length(value) > 1);
    create table defaulted (id int, word text default secret_word()); create table checked (id int, word text check (known(word)));
    create table typed (id int, word known_word); create table indexed (id int, word text); create index on indexed (folded(word));
    create table part_indexed (id int, word text); create index on part_indexed (id) where folded(word) = 'x';
    create table tidy (id int, word plain_word default lower('X'), n int check (n > 0));
    create table guarded (id int); alter table guarded enable row level security;
    create policy by_table on guarded using (exists (select from vault where vault.id = guarded.id));
    create table guarded_by (id int); alter table guarded_by enable row level security; create policy by_code on guarded_by using (known('x'));
    create table unguarded (id int); create policy off on unguarded using (known('x'));
    create schema room; create table room.chair (id int); create view room_view as select id from room.chair;
    create view vault_view_too as select id from vault_view; create view of_words as select secret_word() as w;
    create table heir () inherits (plain); create sequence counted;
    create extension postgres_fdw; create server far foreign data wrapper postgres_fdw options (dbname 'elsewhere');
    create foreign table far_away (id int) server far; create view far_view as select id from far_away;
    create table fired (id int references owners on delete cascade); create function on_fired() returns trigger language plpgsql as
      $$ begin insert into vault values (old.id); return old; end $$;
    create trigger t after delete on fired for each row execute function on_fired();
  `);
  catalog = await loadCatalog(client);
}, 60_000);

afterAll(async () => {
  await client.end();
  await database.drop();
});

const principal = { id: 'pri_1', name: 'bot', kind: 'agent', role: 'member', email: null, owner: null, groups: ['agents'] } as Principal;

function rule(match: Rule['match'], change: Partial<Rule> = {}): Rule {
  return { name: 'r', connections: [], groups: [], match, action: 'deny', message: null, approval: null, mode: 'enforce', ...change };
}

function judged(text: string, rules: readonly Rule[], opaque: Action = 'hold', known = catalog) {
  const connection = { id: 'con_1', name: 'shop', default: 'allow', opaque } as ConnectionPolicy;
  const policy = { version: 1, connections: new Map(), access: [], rules, masking: [] };
  const masks = maskedColumnsFor({ masking: [], connection, principal, catalog: known });
  const [statement] = judge(text, { connection, principal, policy, catalog: known, masks, now: new Date(0) }).statements;
  if (statement === undefined) throw new Error('no statement');
  return statement;
}

/** As a role that row-level security holds for. */
const guarded = (text: string, rules: readonly Rule[]) =>
  judged(text, rules, 'hold', { ...catalog, user: { name: 'app', superuser: false, bypassRls: false } });

const onTable = (name: string) => [rule({ tables: [`public.${name}`] })];

describe('a rule about a table sees what the text does not show', () => {
  it.each([
    ['a rule INSTEAD', 'insert into ruled values (1)', 'vault'],
    ['a rule ALSO', 'delete from ruled where id = 1', 'audit'],
    ['a trigger', 'insert into copied values (1)', 'vault'],
    ['a trigger by COPY', 'copy copied from stdin', 'vault'],
    ['a trigger that reads', 'insert into looked values (1)', 'vault'],
    ['a quoted name', 'insert into odd_one values (1)', 'Odd Name'],
    ['a name in capitals', 'insert into loud_one values (1)', 'vault'],
    ['a trigger through a view', 'insert into viewed values (1)', 'vault'],
    ['a function that a trigger calls', 'insert into called values (1)', 'vault'],
    ['a trigger behind a trigger', 'insert into chained values (1)', 'vault'],
    ['a trigger of a partition', 'insert into part values (1)', 'vault'],
    ['a trigger behind a view', 'insert into copied_view values (1)', 'vault'],
    ['a trigger INSTEAD OF', 'insert into two values (1)', 'vault'],
    ['UPDATE OF', 'update parted set a = 1 where id = 1', 'vault'],
    ['a cascade', 'delete from owners where id = 1', 'cars'],
    ['a cascade behind a cascade', 'delete from owners where id = 1', 'wheels'],
    ['a trigger behind a cascade', 'delete from owners where id = 1', 'vault'],
    ['a cascading update of the key', 'update owners set code = 2 where id = 1', 'coded'],
    ['TRUNCATE CASCADE', 'truncate owners cascade', 'wheels'],
    ['inside a CTE', 'with d as (delete from owners where id = 1 returning id) select * from d', 'cars'],
    ['MERGE', 'merge into copied using plain on copied.id = plain.id when not matched then insert values (1)', 'vault'],
    ['EXPLAIN ANALYZE', 'explain analyze insert into copied values (1)', 'vault'],
  ])('%s', (_, text, table) => {
    expect(judged(text, onTable(table)).verdict).toMatchObject({ action: 'deny', decidedBy: 'rule' });
    expect(judged(text, []).verdict.action).toBe('allow');
  });

  it.each([
    ['a harmless trigger', 'insert into touched values (1)', 'vault'],
    ['triggers of PostgreSQL and of extensions', "update touched set word = 'x' where id = 1", 'vault'],
    ['a rule for another command', 'delete from ruled where id = 1', 'vault'],
    ['a trigger for another command', 'delete from copied where id = 1', 'vault'],
    ['a trigger that is disabled', 'insert into off values (1)', 'vault'],
    ['UPDATE of other columns', 'update parted set b = 1 where id = 1', 'vault'],
    ['an update of no key', "update owners set name = 'x' where id = 1", 'coded'],
    ['a key without action', 'delete from owners where id = 1', 'kept'],
    ['an insert', 'insert into owners values (1)', 'cars'],
    ['a plain EXPLAIN', 'explain insert into copied values (1)', 'vault'],
    ['a read', 'select * from copied', 'vault'],
    ['the children', 'delete from cars where id = 1', 'owners'],
    ['an insert that could be dynamic, elsewhere', 'insert into plain values (1)', 'vault'],
  ])('and lets pass: %s', (_, text, table) => {
    expect(judged(text, onTable(table)).verdict.action).toBe('allow');
  });

  it('and one about columns', () => {
    const columns = (column: string) => [rule({ columns: [column] })];
    expect(judged('insert into copied values (1)', columns('public.vault.word')).verdict.action).toBe('deny');
    expect(judged('delete from cars where id = 1', columns('public.wheels.car')).verdict.action).toBe('deny');
    expect(judged('delete from cars where id = 1', columns('public.wheels.id')).verdict.action).toBe('deny');
    expect(judged('delete from cars where owner = 1', columns('public.wheels.id')).verdict.action).toBe('allow');
  });

  it.each([
    ['a default', 'insert into defaulted (id) values (1)', 'vault'],
    ['a CHECK', "update checked set word = 'x' where id = 1", 'vault'],
    ['the CHECK of a domain', "insert into typed values (1, 'x')", 'vault'],
    ['the expression of an index', "insert into indexed values (1, 'x')", 'vault'],
    ['the condition of an index', "insert into part_indexed values (1, 'x')", 'vault'],
    ['a policy that names a table', 'select id from guarded', 'vault'],
    ['a policy that calls a function', 'select id from guarded_by', 'vault'],
    ['a policy, by DELETE', 'delete from guarded where id = 1', 'vault'],
    ['DROP VIEW', 'drop view vault_view cascade', 'vault_view_too'],
    ['DROP TABLE', 'drop table vault cascade', 'vault_view_too'],
    ['DROP TABLE, a child', 'drop table plain cascade', 'heir'],
    ['DROP FUNCTION', 'drop function known(text) cascade', 'checked'],
    ['DROP FUNCTION, a view', 'drop function secret_word() cascade', 'of_words'],
    ['DROP DOMAIN', 'drop domain known_word cascade', 'typed'],
    ['DROP COLUMN', 'alter table vault drop column word cascade', 'vault_view'],
  ])('behind %s', (_, text, table) => {
    expect(guarded(text, onTable(table)).verdict).toMatchObject({ action: 'deny', decidedBy: 'rule' });
    expect(guarded(text, onTable('status')).verdict.action).not.toBe('deny');
  });

  it('DROP SCHEMA … CASCADE takes its tables and what reads them', () => {
    expect(judged('drop schema room cascade', [rule({ tables: ['room.chair'] })]).verdict.action).toBe('deny');
    expect(judged('drop schema room cascade', onTable('room_view')).verdict.action).toBe('deny');
    expect(judged('drop schema room', onTable('room_view')).verdict.action).toBe('allow');
    for (const text of ['drop extension hstore cascade', 'drop owned by bob cascade'])
      expect(judged(text, onTable('vault')).verdict).toMatchObject({ action: 'hold', decidedBy: 'opaque' });
  });

  it.each([
    ['defaults and checks of PostgreSQL alone', "insert into tidy values (1, 'xx', 2)"],
    ['a default, by DELETE', 'delete from defaulted where id = 1'],
    ['a CHECK, by reading', 'select * from checked'],
    ['a policy that is not in force', 'select * from unguarded'],
    ['DROP without CASCADE', 'drop view vault_view'],
  ])('and lets pass: %s', (_, text) => expect(guarded(text, onTable('copied')).verdict.action).toBe('allow'));

  it('policies do not hold for a role that passes them', () => {
    expect(judged('select id from guarded', onTable('vault')).verdict.action).toBe('allow');
  });

  it('a cast to a domain runs its CHECK', () => {
    expect(judged("select 'x'::known_word", []).verdict).toMatchObject({ action: 'hold', decidedBy: 'opaque' });
    expect(judged("select 'x'::plain_word", []).verdict.action).toBe('allow');
  });

  it('foreign tables are on another server', () => {
    for (const text of ['select * from far_away', 'select * from far_view', 'delete from far_away'])
      expect(judged(text, [rule({ effects: ['network'] })]).verdict.action).toBe('deny');
    expect(judged('select * from vault', [rule({ effects: ['network'] })]).verdict.action).toBe('allow');
  });

  it('the record has it', () => {
    expect(judged('insert into copied values (1)', []).relations).toEqual([
      { name: 'public.copied', access: 'write' },
      { name: 'public.vault', access: 'write' },
    ]);
    expect(judged('insert into looked values (1)', []).relations).toContainEqual({ name: 'public.vault', access: 'read' });
    expect(judged('delete from owners where id = 1', []).relations.map(({ name }) => name)).toEqual([
      ...['public.owners', 'public.cars', 'public.fired', 'public.wheels', 'public.vault'],
    ]);
  });
});

describe('code that cannot be looked into', () => {
  const DYNAMIC = ['insert into dynamic values (1)', 'insert into spelled values (1)'];
  it.each(DYNAMIC)('is opaque where a rule speaks of tables or columns: %s', (text) => {
    for (const match of [{ tables: ['public.vault'] }, { columns: ['public.vault.word'] }]) {
      expect(judged(text, [rule(match)]).verdict).toMatchObject({ action: 'hold', decidedBy: 'opaque' });
      expect(judged(text, [rule(match)], 'allow').verdict.action).toBe('allow');
    }
  });

  it.each(DYNAMIC)('and nowhere else: %s', (text) => {
    const about = { tables: ['public.vault'] };
    const rules = [
      ...[rule({ statements: ['DROP'] }), rule(about, { mode: 'observe' }), rule(about, { action: 'allow' })],
      ...[rule(about, { connections: ['other'] }), rule(about, { groups: ['dba'] }), rule(about, { mode: 'off' })],
    ];
    expect(judged(text, rules).verdict.action).toBe('allow');
    expect(judged(text, rules).facts.effects.has('opaque')).toBe(false);
  });

  it('a view whose query was locked is known by what it depends on, and opaque', async () => {
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    await holder.query('begin; lock table vault_view in access exclusive mode');
    const locked = await loadCatalog(client);
    await holder.end();
    expect(locked.unreadable).toEqual(['relation public.vault_view', 'relation public.vault_view_too']);
    expect(judged('select id from vault_view', onTable('vault'), 'hold', locked).verdict).toMatchObject({
      action: 'deny',
      decidedBy: 'rule',
    });
    expect(judged('select id from vault_view', onTable('audit'), 'hold', locked).verdict).toMatchObject({
      action: 'hold',
      decidedBy: 'opaque',
    });
    expect(judged('select id from vault_view', onTable('audit')).verdict.action).toBe('allow');
  });
});

describe('the words of a body', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['insert into a.B values (10, 2e5)', ['insert', 'a', 'B', 'b'], ['10', '2']],
    ['"Odd Name" "a""b"', ['Odd Name', 'a"b'], []],
    [`-- it's 3" wide\n"Odd Name"`, ['Odd Name'], []],
    ['größe $1 x$y', ['größe', 'x$y'], ['$1', '1']],
  ])('%s', (source, expected, never) => {
    const words = wordsOf(source);
    for (const word of expected) expect(words).toContain(word);
    for (const word of never) expect(words).not.toContain(word);
  });
});
