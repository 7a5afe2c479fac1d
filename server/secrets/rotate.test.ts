import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDataDir } from '../../db/embedded/dataDir';
import { secretKeys } from '../../db/schema/secretKeys';
import { keyId, open, readKeys, seal, sealedBy, sealingKey, sealWith, writeKeys } from '../../db/secrets';
import { maskHashKey } from '../../proxy/masking/hashKey';
import { openCheckpointKey } from '../../proxy/record/checkpointFile';
import { wordKey } from '../../proxy/record/words';
import { consoleSecret } from '../auth/secret';
import type { Call } from '../identity/actor';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { keepKeys } from './keep';
import { retireSecrets, rotateSecrets } from './rotate';
import { SEALED_COLUMNS } from './sealedColumns';
import { openSecretKeys, readDataKeys, wrap } from './storeKeys';

let db: TestStore;
let call: Call;
const kept: Buffer[] = [];
const told: string[] = [];
/** Opens the store now. */
let operator: Buffer;

/** What the store held before there were key ids. */
function sealedOfOld(key: Buffer, plaintext: string, boundTo: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(boundTo));
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  return `v1.${nonce.toString('base64url')}.${sealed.toString('base64url')}`;
}

function runWith(operatorKey: Buffer, replace: ((key: Buffer) => void) | null) {
  const keys = keepKeys({ found: { key: operatorKey, replace }, store: db.store, secretKey: db.secretKey, tell: (all) => told.push(all) });
  setRuntime({
    store: db.store,
    storeUrl: db.url,
    secretKey: db.secretKey,
    operatorKey: keys.operatorKey,
    dataDir: '/nowhere',
    gatewayId: 'gw_test',
    consoleUrl: 'http://127.0.0.1:4300',
  });
  return keys;
}

beforeAll(async () => {
  db = await withStore();
  call = await db.as('admin');
  const { store, secretKey } = db;
  const old = (id: string, boundTo: string) => sealedOfOld(secretKey, `secret of ${id}`, boundTo);
  await store.execute(sql`INSERT INTO connections (id, name, host, port, database, username, password_sealed, tls_key_sealed)
    VALUES ('con_1', 'shop', 'h', 1, 'd', 'u', ${old('con_1', 'con_1')}, ${seal(secretKey, 'secret of con_1', 'con_1 tlsKey')})`);
  await store.execute(sql`INSERT INTO notification_channels (id, name, kind, config, secrets_sealed, events, connections, groups)
    VALUES ('ntc_1', 'n', 'webhook', '{}', ${old('ntc_1', 'ntc_1 notification')}, '[]', '[]', '[]')`);
  await store.execute(sql`INSERT INTO identity_providers (id, position, name, settings, secret_sealed)
    VALUES ('idp_1', 0, 'okta', '{}', ${old('idp_1', 'idp_1')})`);
  await store.execute(sql`INSERT INTO audit_settings (id, settings, secrets_sealed) VALUES (1, '{}', ${old('1', 'audit settings')})`);
  await store.execute(sql`INSERT INTO local_accounts (id, principal_id, password_hash, totp_sealed, last_step, recovery_hashes, changed_at)
    VALUES ('lac_1', ${call.actor.id}, '', ${old('lac_1', 'lac_1')}, 0, '{}', now())`);
  await store.execute(sql`INSERT INTO saml_keys (id, certificate, key_sealed) VALUES ('smk_1', '', ${old('smk_1', 'smk_1')})`);
  for (let n = 0; n < 2_100; n++)
    await store.execute(sql`INSERT INTO value_keys (id, principal_name, day, key_sealed)
      VALUES (${`vky_${n}`}, ${`p${n}`}, '2026-01-01', ${old(`vky_${n}`, `vky_${n}`)})`);
});
afterAll(() => db.close());

async function envelopes(): Promise<{ id: string; sealed: string; boundTo: string }[]> {
  const all = [];
  for (const { table, column, boundTo } of SEALED_COLUMNS) {
    const { rows } = await db.store.execute<{ id: string; sealed: string }>(
      sql`SELECT id::text AS id, ${sql.identifier(column)} AS sealed FROM ${sql.identifier(table)} WHERE ${sql.identifier(column)} IS NOT NULL`,
    );
    all.push(...rows.map((row) => ({ ...row, boundTo: boundTo(row.id) })));
  }
  return all;
}

test('every sealed column of the store is in the list', async () => {
  const { rows } = await db.store.execute<{ name: string }>(
    sql`SELECT table_name || '.' || column_name AS name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name LIKE '%sealed%' ORDER BY 1`,
  );
  // Values of the log are sealed under value keys, which are in the list.
  const underValueKeys = ['recorded_results.sealed', 'statement_values.sealed'];
  expect(rows.map((row) => row.name).filter((name) => !underValueKeys.some((other) => name.startsWith(other)))).toEqual(
    SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort(),
  );
});

test('a secret that does not open stops the rotation before anything changes', async () => {
  runWith(db.secretKey, null);
  await db.store.execute(sql`UPDATE identity_providers SET secret_sealed = ${seal(randomBytes(32), 'x', 'idp_1')}`);
  await expect(rotateSecrets(call, {}, 0)).rejects.toThrow(/identity_providers idp_1: what is sealed in secret_sealed does not open/);
  expect((await db.store.execute(sql`SELECT count(*)::int AS n FROM secret_keys`)).rows).toEqual([{ n: 0 }]);
  await db.store.execute(sql`UPDATE identity_providers SET secret_sealed = ${sealedOfOld(db.secretKey, 'secret of idp_1', 'idp_1')}`);
});

test('a rotation: everything is sealed anew, both keys open, what derives from the root stays, cookies do not, retiring ends the old key', async () => {
  const { store, secretKey } = db;
  const dataDir = makeDataDir(mkdtempSync(join(tmpdir(), 'gatehouse-rotate-')));
  mkdirSync(join(dataDir, 'record'));
  const signer = openCheckpointKey(dataDir, 'n1', secretKey).text;
  const before = {
    hash: maskHashKey(secretKey),
    words: wordKey(secretKey),
    cookie: consoleSecret(secretKey),
    policy: (await store.execute(sql`SELECT version FROM policy_state`)).rows,
  };
  runWith(secretKey, null);
  const rotation = await rotateSecrets(call, {}, 0);
  expect(rotation).toMatchObject({ previousKeyId: keyId(secretKey), resealed: 2_107 });
  const next = Buffer.from(rotation.key ?? '', 'base64');
  operator = next;
  expect(keyId(next)).toBe(rotation.keyId);

  const sealed = await envelopes();
  expect(sealed).toHaveLength(2_107);
  for (const { id, sealed: envelope, boundTo } of sealed) {
    expect(sealedBy(envelope)).toBe(keyId(sealingKey(secretKey)));
    expect(open(secretKey, envelope, boundTo)).toBe(`secret of ${id}`);
  }
  expect(sealingKey(secretKey).equals(secretKey)).toBe(false);
  // Workers and recorder have heard, and a process that begins later opens the same.
  expect(told.at(-1)).toBe(writeKeys(secretKey));
  expect(readKeys(told.at(-1) ?? '').equals(secretKey)).toBe(true);

  expect((await openSecretKeys(store, secretKey)).equals(secretKey)).toBe(true);
  expect((await openSecretKeys(store, next)).equals(secretKey)).toBe(true);
  expect(maskHashKey(secretKey)).toEqual(before.hash);
  expect(wordKey(secretKey)).toEqual(before.words);
  expect(openCheckpointKey(dataDir, 'n1', secretKey).text).toBe(signer);
  expect(consoleSecret(secretKey)).not.toBe(before.cookie);
  // Approvals are bound to the policy's version.
  expect((await store.execute(sql`SELECT version FROM policy_state`)).rows).toEqual(before.policy);

  await expect(rotateSecrets(call, {}, 0)).rejects.toThrow(/a rotation is under way/);
  await expect(retireSecrets(call, { keyId: rotation.keyId })).rejects.toThrow(/is the key in use/);
  await retireSecrets(call, { keyId: rotation.previousKeyId });
  await expect(openSecretKeys(store, secretKey)).rejects.toThrow(`it is opened by ${rotation.keyId}`);
  expect((await openSecretKeys(store, next)).equals(secretKey)).toBe(true);

  // No row of the store opens with the operator's key of before, by itself or by what it wrapped.
  const { rows } = await store.execute<{ wrapped: string; id: string }>(sql`SELECT id, wrapped FROM secret_keys`);
  expect(rows.map((row) => row.id).sort()).toEqual([keyId(sealingKey(secretKey)), 'root'].sort());
  for (const row of rows) expect(() => open(secretKey, row.wrapped, `secret key ${row.id}`)).toThrow();
});

test('where the gateway keeps its key itself, one command is all of it; the next rotation goes on from there', async () => {
  const found = operator;
  runWith(found, (key) => kept.push(key));
  const given = randomBytes(32);
  const rotation = await rotateSecrets(call, { key: given.toString('base64') }, 0);
  expect(rotation).toMatchObject({ key: null, keyId: keyId(given), resealed: 2_107 });
  expect(kept).toEqual([given]);
  expect((await openSecretKeys(db.store, given)).equals(db.secretKey)).toBe(true);
  await expect(openSecretKeys(db.store, found)).rejects.toThrow(/does not open this store/);
  expect((await db.store.execute(sql`SELECT count(*)::int AS n FROM secret_keys`)).rows).toEqual([{ n: 3 }]);
  for (const { sealed, boundTo } of await envelopes()) open(db.secretKey, sealed, boundTo);
});

test('who is no administrator rotates nothing', async () => {
  await expect(rotateSecrets(await db.as('reviewer'), {}, 0)).rejects.toThrow(/needs role admin/);
  await expect(rotateSecrets(call, { key: 'c2hvcnQ=' }, 0)).rejects.toThrow(/32 bytes in base64/);
});

test('a data key is known for a while before it seals, so that no gateway meets what it cannot open', async () => {
  const { store, secretKey } = db;
  const [operatorKey] = kept;
  if (operatorKey === undefined) throw new Error('no key was kept');
  const before = keyId(sealingKey(secretKey));
  const fresh = randomBytes(32);
  await store.insert(secretKeys).values(wrap(operatorKey, keyId(fresh), fresh));
  await readDataKeys(store, operatorKey, secretKey);
  expect(keyId(sealingKey(secretKey))).toBe(before);
  expect(open(secretKey, sealWith(fresh, 'x', 'y'), 'y')).toBe('x');
  // Workers are told both, and which one seals.
  readKeys(writeKeys(secretKey));
  expect(keyId(sealingKey(secretKey))).toBe(before);
  await store.execute(sql`UPDATE secret_keys SET created_at = created_at - interval '4.1 s'`);
  await readDataKeys(store, operatorKey, secretKey);
  expect(keyId(sealingKey(secretKey))).toBe(keyId(fresh));
});
