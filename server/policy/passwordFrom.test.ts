import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServiceError } from '../errors';
import { systemActor } from '../identity/actor';
import { type TestStore, withStore } from '../testing';
import { applyPolicy } from './apply';
import { renderPolicy } from './render';
import { readStoredPolicy } from './stored';

let db: TestStore;
beforeAll(async () => {
  db = await withStore();
});
afterAll(() => db.close());

const document = (password: string, host = 'db.example.com') =>
  `version: 1\nconnections:\n  - name: shop\n    host: ${host}\n    database: shop\n    username: app\n${password === '' ? '' : `    password: ${password}\n`}`;
const apply = (yaml: string) => applyPolicy(db.store, { yaml, env: {}, actor: systemActor, secretKey: db.secretKey, dryRun: false });
const row = async () =>
  (await db.store.execute(sql`SELECT password_sealed IS NOT NULL AS sealed, password_from AS "from" FROM connections`)).rows[0];
const fields = async (yaml: string) => (await apply(yaml)).changes.find(({ kind }) => kind === 'connection')?.fields;

test('a reference takes the place of a password and the other way round; left out, either stays; export says it', async () => {
  await apply(document('hunter2'));
  expect(await row()).toEqual({ sealed: true, from: null });
  const vault = '{ vault: { path: secret/data/shop } }';
  expect(await fields(document(vault))).toEqual(['password']);
  const kept = { sealed: false, from: { vault: { path: 'secret/data/shop', field: 'password' } } };
  expect(await row()).toEqual(kept);
  expect(await fields(document(vault))).toEqual([]);
  expect(await fields(document(''))).toEqual([]);
  expect(await row()).toEqual(kept);
  const exported = renderPolicy(await readStoredPolicy(db.store));
  expect(exported).toContain('secret/data/shop');
  expect((await apply(exported)).changes.every(({ change }) => change === 'none')).toBe(true);
  expect(await fields(document('hunter3'))).toEqual(['password']);
  expect(await row()).toEqual({ sealed: true, from: null });
});

test('a reference is for the server it was given for, like a password', async () => {
  await apply(document('{ env: GATEHOUSE_UPSTREAM_SHOP }'));
  await expect(apply(document('', 'elsewhere.example.com'))).rejects.toThrow(ServiceError);
  expect(await fields(document('{ env: GATEHOUSE_UPSTREAM_SHOP }', 'elsewhere.example.com'))).toEqual(['host']);
});

test('a reference that the operator did not name for the server is warned about when it is applied', async () => {
  const warnings = async (password: string) => (await apply(document(password, 'elsewhere.example.com'))).warnings;
  expect(await warnings('{ env: GATEHOUSE_UPSTREAM_SHOP }')).toEqual([
    'connection shop: the password of this connection: the environment variable GATEHOUSE_UPSTREAM_SHOP may not be sent to elsewhere.example.com:5432: add env:GATEHOUSE_UPSTREAM_SHOP = its host to GATEHOUSE_SECRETS_HOSTS where the gateway starts',
  ]);
  expect(await warnings('{ rds: { region: eu-central-1 } }')).toEqual([]);
  expect(await warnings('{ env: GATEHOUSE_UPSTREAM_SHOP }')).toHaveLength(1);
});

test.each([
  ['{ env: GATEHOUSE_SECRET_KEY }', 'password.env', 'only names that begin with GATEHOUSE_UPSTREAM_ may be read'],
  ['{ env: PATH }', 'password.env', 'only names'],
  ['{ vault: { path: ../sys/x } }', 'password.vault.path', 'no dots alone'],
  ['{ vault: { path: a/../b } }', 'password.vault.path', 'no dots alone'],
  ['{ vault: { path: shop } }', 'password.vault.path', 'a path of Vault’s API'],
  ['{ rds: {} }', 'password.rds.region', ''],
  ['{ file: "" }', 'password.file', 'a path'],
  ['{ file: x, env: GATEHOUSE_UPSTREAM_X }', 'password', 'file'],
  ['{ url: x }', 'password', 'a text, or one of env, file, vault, rds'],
  ['7', 'password', 'a text, or one of'],
])('%s is no reference, and %s says why', async (password, path, words) => {
  await expect(apply(document(password))).rejects.toMatchObject({
    details: { policy: [{ path: `connections[0].${path}`, message: expect.stringContaining(words) }] },
  });
});

test('session variables are kept, exported, and not given where statements nobody can look into run unasked', async () => {
  const session = (opaque: string) =>
    `${document('{ env: GATEHOUSE_UPSTREAM_SHOP }', 'elsewhere.example.com')}    opaque: ${opaque}\n    session: { variables: { app.user: principal }, applicationName: person }\n`;
  await expect(apply(session('allow'))).rejects.toThrow(/must be hold or deny/);
  expect(await fields(session('hold'))).toEqual(['session']);
  const exported = renderPolicy(await readStoredPolicy(db.store));
  expect(exported).toContain('app.user: principal');
  expect((await apply(exported)).changes.every(({ change }) => change === 'none')).toBe(true);
});

test.each([
  ['{ variables: { user: principal } }', 'user: a setting with a prefix of its own'],
  ['{ variables: { gatehouse.user: principal } }', 'gatehouse.user: gatehouse. is the gateway’s own'],
  ['{ variables: { app.user: secret } }', ''],
])('session: %s is refused', async (session, words) => {
  await expect(apply(`${document('')}    session: ${session}\n`)).rejects.toMatchObject({
    details: { policy: [{ path: expect.stringContaining('connections[0].session.variables'), message: expect.stringContaining(words) }] },
  });
});
