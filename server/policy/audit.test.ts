import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditSettings } from '../../db/schema/record';
import { loadPolicy } from '../../proxy/policy/snapshot';
import { readAuditSettings } from '../../proxy/record/auditSettings';
import type { Call } from '../identity/actor';
import { type TestStore, withStore } from '../testing';
import { applyDocument } from './apply';
import { exportDocument } from './export';
import { parsePolicy } from './parse';

let store: TestStore;
let admin: Call;
beforeAll(async () => {
  store = await withStore();
  admin = await store.as('admin', { name: 'ada' });
});
afterAll(() => store.close());

const BASE = 'version: 1\nprincipals: [{ name: ada, kind: human, role: admin }]\n';
const apply = (audit: string, env: Record<string, string> = {}) => applyDocument(admin, { yaml: `${BASE}${audit}`, env });
const WHOLE = `audit:
  durability: strict
  checkpointEvery: 30s
  witnesses:
    - { type: file, path: /mnt/witness/checkpoints }
    - { type: s3, bucket: proofs, region: eu-central-1, lockDays: 400, accessKeyId: AKIA, secretAccessKey: "\${S3_KEY}" }
    - { type: http, url: https://witness.example.com/add, token: "\${TOKEN}" }
  sinks:
    - { type: webhook, url: https://siem.example.com/in, secret: "\${HOOK}" }
    - { type: otlp, url: https://otlp.example.com, headers: { x-api-key: "\${OTLP}" } }
  retention: { days: 400, archive: { type: file, path: /mnt/archive } }
`;
const ENV = { S3_KEY: 'canary-s3-key', TOKEN: 'canary-witness-token', HOOK: 'canary-hook-secret', OTLP: 'canary-otlp-key' };

describe('the document’s audit settings', () => {
  test('a word is durability alone, and workers hear of it', async () => {
    expect((await loadPolicy(store.store)).durability).toBe('group');
    expect((await apply('audit: strict\n')).changes.filter(({ kind }) => kind === 'audit')).toEqual([
      { kind: 'audit', name: 'audit', change: 'update', fields: ['durability'] },
    ]);
    expect((await loadPolicy(store.store)).durability).toBe('strict');
    expect((await exportDocument(admin)).yaml).toContain('audit: strict');
    const version = (await apply('audit: strict\n')).version;
    expect((await apply('audit: { durability: strict }\n')).version).toBe(version);
    await apply('');
    expect((await loadPolicy(store.store)).durability).toBe('group');
    expect((await exportDocument(admin)).yaml).not.toContain('audit');
  });

  test('secrets are sealed, never shown, kept while their target stays, and read whole by the recorder', async () => {
    await apply(WHOLE, ENV);
    const [row] = await store.store.select().from(auditSettings);
    const { yaml } = await exportDocument(admin);
    for (const secret of [...Object.values(ENV), 'AKIA']) {
      expect(JSON.stringify(row)).not.toContain(secret);
      expect(yaml).not.toContain(secret);
    }
    const settings = await readAuditSettings(store.store, store.secretKey);
    expect(settings).toMatchObject({
      durability: 'strict',
      checkpointEveryMs: 30_000,
      retention: { days: 400, archive: { type: 'file', path: '/mnt/archive' } },
    });
    expect(settings.witnesses).toContainEqual({ type: 'http', url: 'https://witness.example.com/add', token: ENV.TOKEN });
    expect(settings.witnesses[1]).toMatchObject({ accessKeyId: 'AKIA', secretAccessKey: ENV.S3_KEY });
    expect(settings.sinks).toContainEqual({ type: 'otlp', url: 'https://otlp.example.com', headers: { 'x-api-key': ENV.OTLP } });

    // What was exported changes nothing, and loses nothing.
    expect((await applyDocument(admin, { yaml })).changes.filter(({ change }) => change !== 'none')).toEqual([]);
    expect(await readAuditSettings(store.store, store.secretKey)).toEqual(settings);
    expect((await apply(WHOLE, { ...ENV, HOOK: 'another-secret' })).changes.filter(({ kind }) => kind === 'audit')).toEqual([
      { kind: 'audit', name: 'audit', change: 'update', fields: ['secrets'] },
    ]);
    // Another place is not handed the secret of the one before.
    await apply('audit: { witnesses: [{ type: http, url: https://elsewhere.example.com/add }] }\n');
    expect((await readAuditSettings(store.store, store.secretKey)).witnesses).toEqual([
      { type: 'http', url: 'https://elsewhere.example.com/add' },
    ]);
    expect((await store.store.select().from(auditSettings))[0]?.secretsSealed).toBe(null);
  });

  test.each([
    ['audit: sometimes', 'audit'],
    ['audit: { checkpointEvery: 1ms }', 'audit.checkpointEvery'],
    ['audit: { witnesses: [{ type: file, path: relative }] }', 'audit.witnesses[0].path'],
    ['audit: { witnesses: [{ type: http, url: "https://u:p@example.com" }] }', 'audit.witnesses[0].url'],
    ['audit: { sinks: [{ type: pigeon }] }', 'audit.sinks[0]'],
    ['audit: { retention: { days: 0 } }', 'audit.retention.days'],
  ])('%s is refused where it stands', (audit, path) => {
    const parsed = parsePolicy(`version: 1\n${audit}\n`, {});
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.issues[0]).toMatchObject({ line: 2, path: expect.stringContaining(path) });
  });
});
