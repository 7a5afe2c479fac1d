import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority, type Issued } from '../../db/embedded/testCertificates';
import { actions } from '../../db/schema/audit';
import { connections } from '../../db/schema/policy';
import { open } from '../../db/secrets';
import { openTlsKey } from '../../proxy/upstream/endpoint';
import { listConnections } from '../connections/list';
import { removeConnection } from '../connections/remove';
import { saveConnection } from '../connections/save';
import { testConnection } from '../connections/test';
import { systemActor } from '../identity/actor';
import { type TestStore, withStore } from '../testing';
import { applyPolicy } from './apply';
import { exportDocument } from './export';
import { parsePolicy } from './parse';
import { effective } from './plan';

let db: TestStore;
let ca: Authority;
let client: Issued;
let other: Issued;
let env: Record<string, string>;

beforeAll(async () => {
  db = await withStore();
  ca = createAuthority('root');
  client = ca.issue({ name: 'app' });
  other = ca.issue({ name: 'other' });
  env = {
    CA: ca.certificate,
    CERT: client.certificate,
    KEY: client.key,
    OTHER_CERT: other.certificate,
    OTHER_KEY: other.key,
    PW: 'pw-canary',
  };
});
afterAll(() => db.close());

/** A connection on lines 3 and following; `more` begins on line 7 and says <NAME> for a reference to the environment. */
const document = (more: string, host = 'db.internal') =>
  references(`version: 1\nconnections:\n  - name: shop\n    host: ${host}\n    database: shop\n    username: app\n${more}`);
const references = (text: string) => text.replace(/<(\w+)>/g, (_, name: string) => `\${${name}}`);
const FULL = document(
  `    password: <PW>\n    tls: verify-full\n    tlsNegotiation: direct\n    tlsCa: <CA>\n    tlsCertificate: <CERT>\n    tlsKey: <KEY>\n`,
);
const apply = (yaml: string, given = env) =>
  applyPolicy(db.store, { yaml, env: given, actor: systemActor, secretKey: db.secretKey, dryRun: false });
const call = () => ({ store: db.store, secretKey: db.secretKey, actor: systemActor });
const stored = async (name = 'shop') => (await db.store.select().from(connections).where(eq(connections.name, name)))[0];
/** A line of the key's own base64, which must turn up nowhere. */
const keyCanary = () => client.key.split('\n')[1] ?? '';

const issues = (yaml: string) => {
  const parsed = parsePolicy(yaml, env);
  return parsed.ok ? [] : parsed.issues.map((issue) => `${issue.line}:${issue.column} ${issue.path}: ${issue.message}`);
};

describe('a document is refused at the field', () => {
  test.each<[string, string, string]>([
    ['direct under the default', '    tlsNegotiation: direct\n', '7:21 connections[0].tlsNegotiation: direct needs tls require'],
    ['direct under prefer', '    tls: prefer\n    tlsNegotiation: direct\n', '8:21 connections[0].tlsNegotiation: direct needs'],
    ['direct under disable', '    tls: disable\n    tlsNegotiation: direct\n', '8:21 connections[0].tlsNegotiation: direct needs'],
    ['an unknown negotiation', '    tlsNegotiation: ssl\n', '7:21 connections[0].tlsNegotiation: Invalid option'],
    ['a CA that is no PEM', '    tlsCa: /etc/root.crt\n', '7:12 connections[0].tlsCa: not PEM'],
    ['an empty CA, which would trust everyone', '    tlsCa: ""\n', '7:12 connections[0].tlsCa: not PEM'],
    ['a key in the wrong place', '    tlsCa: <KEY>\n', '7:12 connections[0].tlsCa: holds a private key'],
    ['a key without a certificate', '    tlsKey: <KEY>\n', '7:13 connections[0].tlsKey: is of no use without tlsCertificate'],
    [
      'a key of another certificate',
      '    tlsCertificate: <CERT>\n    tlsKey: <OTHER_KEY>\n',
      '8:13 connections[0].tlsKey: is not the key of tlsCertificate',
    ],
    ['a certificate as key', '    tlsCertificate: <CERT>\n    tlsKey: <CERT>\n', '8:13 connections[0].tlsKey: not PEM'],
    ['a variable that is not set', '    tlsCa: <NOT_SET>\n', '7:12 connections.tlsCa: <NOT_SET> is not set'],
  ])('%s', (_name, more, expected) => {
    const found = issues(document(more));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(references(expected));
    expect(found[0]).not.toContain(keyCanary());
  });

  test('a certificate whose key is neither given nor stored', async () => {
    await expect(apply(document('    tlsCertificate: <CERT>\n'))).rejects.toMatchObject({
      details: { policy: [{ line: 7, path: 'connections[0].tlsCertificate', message: 'needs its private key in tlsKey' }] },
    });
    expect(await stored()).toBeUndefined();
  });
});

describe('apply and export', () => {
  test('applies once, then changes nothing; the key is sealed for this connection and for its use', async () => {
    await apply(FULL);
    expect(effective((await apply(FULL)).changes)).toEqual([]);
    const row = await stored();
    expect(row).toMatchObject({ tls: 'verify-full', tlsNegotiation: 'direct', tlsCa: ca.certificate, tlsCertificate: client.certificate });
    const { id = '', tlsKeySealed } = row ?? {};
    expect(openTlsKey(db.secretKey, tlsKeySealed ?? '', id)).toBe(client.key);
    // Put in the password's place it must not open, or it would be sent as one.
    expect(() => open(db.secretKey, tlsKeySealed ?? '', id)).toThrow();
  });

  test('what is exported, applied, changes nothing and needs no environment; the key is in nothing that is shown', async () => {
    const { yaml } = await exportDocument(call());
    expect(yaml).toContain(references('# tlsKey: <SHOP_TLS_KEY>   # left out: the stored key is kept'));
    expect(yaml).toContain(references('# password: <SHOP_PASSWORD>   # left out: the stored password is kept'));
    expect(effective((await apply(yaml, {})).changes)).toEqual([]);
    const row = await stored();
    const shown = JSON.stringify([yaml, await db.store.select().from(actions), await listConnections(await db.as('admin'))]);
    for (const secret of [keyCanary(), row?.tlsKeySealed ?? 'none', row?.passwordSealed ?? 'none']) expect(shown).not.toContain(secret);
  });

  test('a change names its fields', async () => {
    const result = await apply(FULL, { ...env, CERT: other.certificate, KEY: other.key, CA: other.certificate });
    expect(effective(result.changes)).toEqual([
      { kind: 'connection', name: 'shop', change: 'update', fields: ['tlsCa', 'tlsCertificate', 'tlsKey'] },
    ]);
    await apply(FULL);
  });

  test('a new certificate does not go with the stored key of another', async () => {
    const { yaml } = await exportDocument(call());
    const start = yaml.indexOf('    tlsCertificate:');
    const end = yaml.indexOf('    default:');
    const renewed = `${yaml.slice(0, start)}    tlsCertificate: <OTHER_CERT>\n${yaml.slice(end)}`;
    await expect(apply(references(renewed))).rejects.toMatchObject({
      details: {
        policy: [{ path: 'connections[0].tlsCertificate', message: expect.stringContaining('does not belong to the stored key') }],
      },
    });
  });

  test('a kept key does not follow its connection to another host, nor a kept password', async () => {
    const { yaml } = await exportDocument(call());
    await expect(apply(yaml.replace('host: db.internal', 'host: evil.example'))).rejects.toMatchObject({
      details: {
        policy: [
          { path: 'connections[0]', message: expect.stringContaining('give the password again') },
          { path: 'connections[0].tlsKey', message: 'give it again, because host or port changed' },
        ],
      },
    });
    await expect(apply(yaml.replace('port: 5432', 'port: 5433\n    password: p'))).rejects.toMatchObject({
      details: { policy: [{ path: 'connections[0].tlsKey' }] },
    });
  });

  test('a kept password is not sent where less proves who the server is', async () => {
    for (const less of ['tls: require', 'tls: verify-ca\n    tlsCa: <CA>', 'tls: verify-full', 'tls: verify-full\n    tlsCa: <OTHER_CERT>'])
      await expect(apply(document(`    ${less}\n`)), less).rejects.toMatchObject({
        details: { policy: [{ path: 'connections[0]', message: expect.stringContaining('give the password again, because tls') }] },
      });
  });

  test('the key goes with its certificate', async () => {
    await apply(document('    tls: verify-full\n    password: p\n'));
    expect(await stored()).toMatchObject({ tlsCa: null, tlsCertificate: null, tlsKeySealed: null, tlsNegotiation: 'postgres' });
  });

  test('certificates that protect nothing are warned about', async () => {
    expect((await apply(document('    tls: prefer\n    tlsCa: <CA>\n    password: p\n'))).warnings.join()).toContain(
      'tls is prefer, so a server that says it has no TLS',
    );
    expect((await apply(document('    tls: disable\n    tlsCa: <CA>\n    password: p\n'))).warnings.join()).toContain(
      'its certificates are not used',
    );
    expect((await apply(document('    tls: require\n    tlsCa: <CA>\n    password: p\n'))).warnings.join()).not.toContain(
      'connection shop',
    );
  });
});

describe('the console', () => {
  const draft = { name: 'edited', host: 'db.internal', port: 5432, database: 'shop', username: 'app' };

  test('seals, keeps, moves and removes the key as it does the password', async () => {
    const admin = await db.as('admin');
    const full = { ...draft, tls: 'verify-full', tlsCertificate: client.certificate };
    const { id } = await saveConnection(admin, { ...full, tlsKey: client.key });
    const sealed = (await stored('edited'))?.tlsKeySealed ?? '';
    expect(openTlsKey(db.secretKey, sealed, id)).toBe(client.key);
    await saveConnection(admin, { ...full, id, database: 'other' });
    expect((await stored('edited'))?.tlsKeySealed).toBe(sealed);
    expect((await listConnections(admin)).find((row) => row.id === id)).toMatchObject({ hasTlsKey: true });
    for (const verb of [saveConnection, testConnection])
      await expect(verb(admin, { ...full, id, host: 'evil.example' })).rejects.toMatchObject({
        details: { fields: [{ path: 'tlsKey', message: 'give it again, because host or port changed' }] },
      });
    await expect(saveConnection(admin, { ...full, id, tlsCertificate: other.certificate })).rejects.toMatchObject({
      details: { fields: [{ path: 'tlsCertificate' }] },
    });
    await saveConnection(admin, { ...draft, id, tlsCertificate: null });
    expect((await stored('edited'))?.tlsKeySealed).toBeNull();
    await saveConnection(admin, { ...full, id, tlsKey: client.key });
    await removeConnection(admin, { id });
    const shown = JSON.stringify(await db.store.select().from(actions));
    expect(shown).not.toContain(keyCanary());
    expect(shown).not.toContain(sealed);
    expect(shown).not.toContain('tlsKeySealed');
  });

  test('contradictions are named at the field', async () => {
    const admin = await db.as('admin');
    const refused = (more: object) =>
      saveConnection(admin, { ...draft, name: 'refused', ...more }).catch((error: { details?: unknown }) => error.details);
    expect(await refused({ tls: 'prefer', tlsNegotiation: 'direct' })).toMatchObject({ fields: [{ path: 'tlsNegotiation' }] });
    expect(await refused({ tlsKey: client.key })).toMatchObject({ fields: [{ path: 'tlsKey' }] });
    expect(await refused({ tlsCertificate: client.certificate })).toMatchObject({ fields: [{ path: 'tlsCertificate' }] });
    expect(await refused({ tlsCa: 'x' })).toMatchObject({ fields: [{ path: 'tlsCa' }] });
    expect(await stored('refused')).toBeUndefined();
  });
});
