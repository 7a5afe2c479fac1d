import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { groups, identities, identityProviders, principalGroups, principals } from '../../db/schema/identity';
import { open } from '../../db/secrets';
import { loadPrincipal } from '../../proxy/identity/principal';
import { loadPolicy } from '../../proxy/policy/snapshot';
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

const BASE = `version: 1
groups: [dba, agents]
principals: [{ name: ada, kind: human, role: admin }, { name: ops-ci, kind: service }, { name: helper, kind: agent, owner: ada }]
`;
const SECRET = 'canary-client-secret';
const WHOLE = `${BASE}identity:
  providers:
    - name: okta
      type: oidc
      issuer: https://acme.okta.example
      audiences: [gatehouse]
      principal: { claim: email, strip: "@acme.example", create: human }
      groups: { claim: groups, names: { Platform DBAs: dba } }
      agents: { mcp-client: helper }
      device: { clientId: cli }
      console: { clientId: web, clientSecret: "\${OKTA}" }
    - name: github
      type: oidc
      issuer: https://ci.example
      audiences: [gatehouse, https://gatehouse.example]
      algorithms: [RS256]
      clockSkew: 1m
      principal: { claim: repository, names: { acme/ops: ops-ci } }
      require: { ref: refs/heads/main, event_name: [push, workflow_dispatch] }
    - name: corp
      type: saml
      metadata: <EntityDescriptor><IDPSSODescriptor/></EntityDescriptor>
      signRequests: true
      encryptedAssertions: required
      principal: { claim: nameID }
`;
const apply = (yaml: string, env: Record<string, string> = {}) => applyDocument(admin, { yaml, env });

describe('the document’s identity providers', () => {
  test('are stored in order, reach workers, and go round without their secret, which is kept', async () => {
    const { changes } = await apply(WHOLE, { OKTA: SECRET });
    expect(changes.filter(({ kind }) => kind === 'identity provider').map(({ name, change }) => `${change} ${name}`)).toEqual([
      'create okta',
      'create github',
      'create corp',
    ]);
    const { providers } = await loadPolicy(store.store);
    expect(providers?.map(({ name, type, clockSkewMs }) => [name, type, clockSkewMs])).toEqual([
      ['okta', 'oidc', 30_000],
      ['github', 'oidc', 60_000],
      ['corp', 'saml', 30_000],
    ]);
    expect(providers?.[1]).toMatchObject({ require: { ref: ['refs/heads/main'] }, algorithms: ['RS256'] });
    expect(providers?.[2]).toMatchObject({ signRequests: true, encryptedAssertions: 'required' });
    const [row] = await store.store.select().from(identityProviders).where(eq(identityProviders.name, 'okta'));
    const { yaml } = await exportDocument(admin);
    expect(JSON.stringify(row)).not.toContain(SECRET);
    expect(yaml).not.toContain(SECRET);
    expect(yaml).toContain('clientSecret is left out');
    expect((await apply(yaml)).changes.filter(({ change }) => change !== 'none')).toEqual([]);
    const [after] = await store.store.select().from(identityProviders).where(eq(identityProviders.name, 'okta'));
    expect(open(store.secretKey, after?.secretSealed ?? '', after?.id ?? '')).toBe(SECRET);
  });

  test('another issuer forgets whom its subjects were, and wants its secret again', async () => {
    await apply(WHOLE, { OKTA: SECRET });
    const [okta] = await store.store.select().from(identityProviders).where(eq(identityProviders.name, 'okta'));
    const [ada] = await store.store.select().from(principals).where(eq(principals.name, 'ada'));
    await store.store.insert(identities).values({ id: 'idn_1', providerId: okta?.id ?? '', subject: '00u1', principalId: ada?.id ?? '' });
    const moved = WHOLE.replace('acme.okta.example', 'other.example');
    await expect(apply(moved.replace(/, clientSecret: [^ ]+/, ''))).rejects.toThrow(/client secret again/);
    await apply(moved, { OKTA: SECRET });
    expect(await store.store.select().from(identities)).toEqual([]);
  });

  test('what a provider said of groups goes with it, with its issuer, and with the word that it is asked', async () => {
    const groupsOfAda = async () => {
      const [okta] = await store.store.select().from(identityProviders).where(eq(identityProviders.name, 'okta'));
      const [ada] = await store.store.select().from(principals).where(eq(principals.name, 'ada'));
      const [dba] = await store.store.select().from(groups).where(eq(groups.name, 'dba'));
      if (okta !== undefined)
        await store.store.insert(principalGroups).values({ principalId: ada?.id ?? '', groupId: dba?.id ?? '', source: okta.id });
      return async () => (await loadPrincipal(store.store, ada?.id ?? ''))?.groups;
    };
    for (const changed of [
      WHOLE.replace('acme.okta.example', 'elsewhere.example'),
      WHOLE.replace('      groups: { claim: groups, names: { Platform DBAs: dba } }\n', ''),
      BASE,
    ]) {
      await apply(WHOLE, { OKTA: SECRET });
      const now = await groupsOfAda();
      expect(await now()).toEqual(['dba']);
      await apply(changed, { OKTA: SECRET });
      expect(await now()).toEqual([]);
    }
  });

  test('new certificates of a SAML provider part nobody from their subject', async () => {
    const [ada] = await store.store.select().from(principals).where(eq(principals.name, 'ada'));
    const saml = (id: string, certificate: string) =>
      WHOLE.replace(
        '<EntityDescriptor><IDPSSODescriptor/>',
        `<EntityDescriptor entityID='${id}'><IDPSSODescriptor>${certificate}</IDPSSODescriptor>`,
      );
    const link = async () => {
      const [corp] = await store.store.select().from(identityProviders).where(eq(identityProviders.name, 'corp'));
      await store.store
        .insert(identities)
        .values({ id: newId('idn'), providerId: corp?.id ?? '', subject: 'ada', principalId: ada?.id ?? '' });
    };
    await apply(saml('urn:one', 'a'), { OKTA: SECRET });
    await link();
    await apply(saml('urn:one', 'b'), { OKTA: SECRET });
    expect(await store.store.select().from(identities)).toHaveLength(1);
    await apply(saml('urn:two', 'b'), { OKTA: SECRET });
    expect(await store.store.select().from(identities)).toEqual([]);
  });

  test('a principal that a provider made is not the document’s: it is neither disabled nor written, until the document names it', async () => {
    await store.store.insert(principals).values({ id: 'prn_jit', name: 'jit', kind: 'human', managedBy: 'idp_1' });
    await apply(WHOLE, { OKTA: SECRET });
    const [row] = await store.store.select().from(principals).where(eq(principals.name, 'jit'));
    expect(row?.disabledAt).toBeNull();
    expect((await exportDocument(admin)).yaml).not.toContain('jit');
    const { changes } = await apply(WHOLE.replace('{ name: ops-ci', '{ name: jit, kind: human }, { name: ops-ci'), { OKTA: SECRET });
    expect(changes).toContainEqual({ kind: 'principal', name: 'jit', change: 'update', fields: ['managed'] });
    await apply(WHOLE, { OKTA: SECRET });
    expect((await store.store.select().from(principals).where(eq(principals.name, 'jit')))[0]?.disabledAt).not.toBeNull();
  });

  test.each([
    ['issuer: https://acme.okta.example', 'issuer: http://acme.okta.example', 'issuer', /https/],
    ['audiences: [gatehouse]', 'audiences: []', 'audiences', /at least one/],
    ['algorithms: [RS256]', 'algorithms: [HS256]', 'algorithms', /RS256/],
    ['algorithms: [RS256]', 'algorithms: [none]', 'algorithms', /RS256/],
    ['acme/ops: ops-ci', 'acme/ops: nobody', 'names', /unknown principal nobody/],
    ['Platform DBAs: dba', 'Platform DBAs: wizards', 'names', /unknown group wizards/],
    ['mcp-client: helper', 'mcp-client: nobody', 'agents', /unknown principal nobody/],
    ['issuer: https://ci.example', 'issuer: https://acme.okta.example', 'issuer', /another provider/],
    ['name: github', 'name: okta', 'name', /twice/],
    ['clockSkew: 1m', 'clockSkew: 1h', 'clockSkew', /5m/],
    ['names: { acme/ops: ops-ci }', 'names: { acme/ops: ops-ci }, create: human', 'create', /nobody to create/],
    ['<EntityDescriptor><IDPSSODescriptor/></EntityDescriptor>', 'https://idp.example/metadata', 'metadata', /XML/],
  ])('%s → %s is refused where it stands', (from, to, field, words) => {
    const parsed = parsePolicy(WHOLE.replace(from, to), { OKTA: SECRET });
    expect(parsed.ok).toBe(false);
    if (parsed.ok) return;
    expect(parsed.issues.some(({ path, message }) => path.includes(field) && words.test(message))).toBe(true);
  });
});
