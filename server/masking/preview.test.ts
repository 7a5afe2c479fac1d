import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import type { Call } from '../identity/actor';
import { applyDocument } from '../policy/apply';
import { type TestStore, withStore } from '../testing';
import { listSchemaColumns } from './columns';
import { previewMasking } from './preview';

const PASSWORD = 'preview-canary-7731';
const role = `preview_${process.pid}`;
let db: TestStore;
let upstream: TestDatabase;
let admin: Call;

beforeAll(async () => {
  db = await withStore();
  admin = await db.as('admin', { name: 'root' });
  upstream = await withPostgres();
  await asOwner(`create role ${role} login password '${PASSWORD}';
    create table people (id int4 primary key, email text, ssn text unique, email_lower text generated always as (lower(email)) stored);
    create table cards (ssn text references people (ssn));
    create table audit_log (id int4, row_before jsonb);
    create view contacts as select id, email as reach_at from people;
    create function log_people() returns trigger language plpgsql
      as $$ begin insert into audit_log values (old.id, to_jsonb(old)); return old; end $$;
    create trigger log_people after delete on people for each row execute function log_people();`);
  await applyDocument(admin, { yaml: document(), env: { PASSWORD } });
});
afterAll(async () => {
  await asOwner(`drop role ${role}`);
  await upstream.drop();
  await db.close();
});

async function asOwner(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: upstream.url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

const document = () => `version: 1
connections:
  - { name: shop, host: ${upstream.host}, port: ${upstream.port}, database: ${upstream.database}, username: ${role}, password: "\${PASSWORD}", tls: disable }
  - { name: away, host: 127.0.0.1, port: 1, database: away, username: away, password: "\${PASSWORD}", tls: disable }
principals:
  - { name: root, kind: human, role: admin }
masking:
  - { name: pii, connections: [shop], columns: [people.email, people.ssn], mask: { type: partial, keepLast: 4 }, exceptGroups: [] }
  - { name: trial, columns: [people.ssn, people.id], mask: { type: hash }, mode: observe }
`;
const preview = async (rule: string, connection = 'shop') => {
  const { columns, ...rest } = await previewMasking(admin, { rule, connection });
  return {
    ...rest,
    columns: columns.map(
      (one) => `${one.column}: ${one.leaves}, ${one.because}${one.stricter === null ? '' : `; ${one.stricter} decides`}`,
    ),
  };
};

test('shows what the rule names and everything that the database derives from it, each with why', async () => {
  expect(await preview('pii')).toEqual({
    rule: 'pii',
    connection: 'shop',
    mode: 'enforce',
    applies: true,
    columns: [
      'public.people.email: partial, last 4, named by the rule',
      'public.people.ssn: partial, last 4, named by the rule',
      'public.audit_log.id: redacted, as NULL, written by trigger of public.people',
      'public.audit_log.row_before: redacted, written by trigger of public.people',
      'public.cards.ssn: partial, last 4, foreign key to public.people.ssn',
      'public.contacts.reach_at: partial, last 4, view of public.people.email',
      'public.people.email_lower: redacted, generated from public.people.email',
    ],
  });
});

test('shows what a rule that only observes would mask', async () => {
  const { mode, columns } = await preview('trial');
  expect(mode).toBe('observe');
  expect(columns).toContain('public.contacts.id: hashed, view of public.people.id');
  expect(columns).toContain('public.people.ssn: hashed, named by the rule');
});

test('names the rule that decides where another is stricter', async () => {
  const yaml = `${document()}  - { name: harder, columns: [people.email], mask: { type: "null" } }\n`;
  await applyDocument(admin, { yaml, env: { PASSWORD } });
  expect((await preview('pii')).columns[0]).toBe('public.people.email: NULL, named by the rule; harder decides');
  await applyDocument(admin, { yaml: document(), env: { PASSWORD } });
});

test('a rule that does not speak of the connection covers nothing there, and the upstream is not asked', async () => {
  expect(await preview('pii', 'away')).toMatchObject({ applies: false, columns: [] });
});

test('what does not exist or cannot be reached is said', async () => {
  await expect(preview('none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(preview('pii', 'none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(preview('trial', 'away')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('the list of all columns says why one is covered that no rule names', async () => {
  const why = Object.fromEntries((await listSchemaColumns(admin, { connection: 'shop' })).map((one) => [one.column, one.because]));
  expect(why).toMatchObject({
    'public.people.id': null,
    'public.people.email': null,
    'public.contacts.reach_at': 'view of public.people.email',
  });
});
