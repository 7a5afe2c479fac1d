import type { EventEmitter } from 'node:events';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, apiAsAdmin } from './api';
import { directSettings, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';

const gateway = sharedGateway();
const direct = directSettings(gateway);
let admin: Api;
let owner: Awaited<ReturnType<typeof open>>;
let before = '';
const token: Record<string, string> = {};

beforeAll(async () => {
  admin = apiAsAdmin(gateway);
  before = (await admin.policy.export.query()).yaml;
  owner = await open(direct);
  await owner.query(`
    CREATE ROLE person_app LOGIN PASSWORD 'person-secret';
    CREATE TABLE notes (id int PRIMARY KEY, author text, body text);
    INSERT INTO notes VALUES (1, 'person-ana', 'of ana'), (2, 'person-bo', 'of bo');
    ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON notes USING (author = current_setting('app.user'));
    GRANT CONNECT ON DATABASE shop TO person_app;
    GRANT USAGE ON SCHEMA public TO person_app;
    GRANT SELECT, INSERT, DELETE ON notes TO person_app`);
  const person = (name: string) => `  - { name: ${name}, kind: human, groups: [person-readers] }\n`;
  const connection = (name: string, session: string) =>
    `  - { name: ${name}, host: ${direct.host}, port: ${direct.port}, database: shop, username: person_app, password: person-secret, tls: disable, default: allow, opaque: ${session === '{}' ? 'allow' : 'deny'}, session: ${session} }\n`;
  const all = '{ variables: { app.user: principal, app.groups: groups, app.session: session }, applicationName: person }';
  const yaml = before
    .replace(/^connections:\n/m, `connections:\n${connection('person', all)}${connection('plain-person', '{}')}`)
    .replace(/^groups: \[ /m, 'groups: [ person-readers, ')
    .replace(/^principals:\n/m, `principals:\n${person('person-ana')}${person('person-bo')}`)
    .replace(/^access:\n/m, 'access:\n  - { connections: [person, plain-person], groups: [person-readers] }\n');
  await admin.policy.applyYaml.mutate({ yaml, dryRun: false });
  for (const principal of ['person-ana', 'person-bo'])
    token[principal] = (await admin.tokens.create.mutate({ principal, label: 'e2e', ttlMs: 600_000 })).secret;
}, 60_000);
afterAll(async () => {
  await admin.policy.applyYaml.mutate({ yaml: before, dryRun: false });
  await owner.query('DROP TABLE notes; DROP OWNED BY person_app; DROP ROLE person_app');
  await owner.end();
});

const as = (user: string, database = 'person') =>
  open({ ...proxySettings(gateway, { user, password: token[user] ?? '', database, applicationName: 'notes' }) });

/** The same, and what its server says of application_name. */
async function listening(user: string) {
  const said: string[] = [];
  const client = new pg.Client(proxySettings(gateway, { user, password: token[user] ?? '', database: 'person', applicationName: 'notes' }));
  const { connection } = client as unknown as { connection: EventEmitter };
  connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
    if (message.parameterName === 'application_name') said.push(message.parameterValue);
  });
  await client.connect();
  return Object.assign(client, { said });
}

test('row-level security sees the person, by one role for all of them', async () => {
  for (const [user, body] of [
    ['person-ana', 'of ana'],
    ['person-bo', 'of bo'],
  ] as const) {
    const session = await as(user);
    expect((await session.query('SELECT body FROM notes')).rows).toEqual([{ body }]);
    const { rows } = await session.query(
      "SELECT current_setting('app.groups')::jsonb ? 'person-readers' AS member, current_setting('app.session') AS id",
    );
    expect(rows).toEqual([{ member: true, id: expect.stringMatching(/^ses_/) }]);
    await session.end();
  }
});

test.each([
  'SET app."user" = \'person-bo\'',
  'SET SESSION app."user" TO \'person-bo\'',
  'SET LOCAL app."user" = \'person-bo\'',
  'SET app."user" TO DEFAULT',
  'RESET app."user"',
  "SELECT set_config('app.user', 'person-bo', false)",
  "SELECT pg_catalog.set_config('app' || '.user', 'person-bo', false)",
  "SELECT set_config(k, 'person-bo', false) FROM (VALUES ('app.user')) AS t(k)",
  "UPDATE pg_settings SET setting = 'person-bo' WHERE name = 'app.user'",
  'SET ROLE postgres',
  "DO $$BEGIN PERFORM set_config('app.user', 'person-bo', false); END$$",
])('a client cannot be somebody else: %s', async (text) => {
  const session = await as('person-ana');
  expect((await failure(session.query(text))).code).toBe('42501');
  await failure(session.query({ text: 'SELECT set_config($1, $2, false)', values: ['app.user', 'person-bo'] }));
  expect((await session.query('SELECT body FROM notes')).rows).toEqual([{ body: 'of ana' }]);
  await session.end();
});

test('nor by options of its start-up, nor by what resets a session', async () => {
  for (const text of ['RESET ALL', 'DISCARD ALL']) {
    const session = await as('person-ana');
    await session.query(text).catch(() => undefined);
    expect((await session.query('SELECT body FROM notes')).rows, text).toEqual([{ body: 'of ana' }]);
    await session.end();
  }
  const settings = proxySettings(gateway, { user: 'person-ana', password: token['person-ana'] ?? '', database: 'person' });
  for (const name of ['app.user', 'App.USER']) {
    const refused = await failure(open({ ...settings, options: `-c ${name}=person-bo` }));
    expect(refused.message).toMatch(/setting "app.user" says who is there/i);
  }
});

test('pg_stat_activity says who is there, and a client reads its own name and may change it', async () => {
  const session = await listening('person-ana');
  const seen = async () =>
    (
      await owner.query<{ name: string }>(
        "SELECT application_name AS name FROM pg_stat_activity WHERE usename = 'person_app' AND state = 'idle'",
      )
    ).rows
      .map(({ name }) => name)
      .filter((name) => name.includes('notes') || name === 'mine');
  await session.query('SELECT 1');
  expect(await seen()).toEqual([expect.stringMatching(/^notes \[person-ana ses_[0-9a-z]+\]$/)]);
  await session.query("SET application_name = 'mine'");
  expect(await seen()).toEqual(['mine']);
  await session.query('RESET application_name');
  expect(await seen()).toEqual([expect.stringMatching(/^notes \[person-ana ses_/)]);
  expect(session.said).toEqual(['notes', 'mine', 'notes']);
  await session.end();
});

test('a connection that does not ask for it passes what the client gave', async () => {
  const session = await as('person-ana', 'plain-person');
  expect((await session.query('SHOW application_name')).rows).toEqual([{ application_name: 'notes' }]);
  expect((await session.query("SELECT current_setting('app.user', true) AS who")).rows).toEqual([{ who: null }]);
  await session.end();
});
