import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { actions, sessions } from '../../db/schema/audit';
import { groups, identities, identityProviders, principalGroups, principals } from '../../db/schema/identity';
import { applyDocument } from '../policy/apply';
import { type TestStore, withStore } from '../testing';
import { listIdentities, listProviders } from './list';
import { unlinkIdentity } from './unlink';

let store: TestStore;
beforeAll(async () => {
  store = await withStore();
});
afterAll(() => store.close());

const YAML = `version: 1
groups: [dba]
principals: [{ name: ada, kind: human, role: admin }, { name: ana, kind: human }, { name: ci, kind: service }]
identity:
  providers:
    - { name: okta, type: oidc, issuer: https://idp.example, audiences: [gatehouse], principal: { claim: email }, groups: { claim: groups }, console: { clientId: web, clientSecret: s3cret } }
    - { name: github, type: oidc, issuer: https://ci.example, audiences: [gatehouse], principal: { claim: repository, names: { a/b: ci } }, device: { clientId: cli } }
`;

test('providers, their subjects, and parting one from its principal', async () => {
  const admin = await store.as('admin', { name: 'ada' });
  await applyDocument(admin, { yaml: YAML, env: {} });
  const [okta] = await store.store.select().from(identityProviders).where(eq(identityProviders.name, 'okta'));
  const [ana] = await store.store.select().from(principals).where(eq(principals.name, 'ana'));
  const [dba] = await store.store.select().from(groups).where(eq(groups.name, 'dba'));
  const provider = okta?.id ?? '';
  const principalId = ana?.id ?? '';
  const seen = new Date('2026-05-01T12:00:00Z');
  await store.store.insert(identities).values({ id: 'idn_ana', providerId: provider, subject: '00u1', principalId, lastSeenAt: seen });
  await store.store.insert(principalGroups).values([
    { principalId, groupId: dba?.id ?? '', source: provider },
    { principalId, groupId: dba?.id ?? '', source: '' },
  ]);
  await store.store.insert(sessions).values({
    id: 'ses_1',
    gatewayId: 'gw',
    workerId: 'w1',
    principalId,
    principalName: 'ana',
    connectionName: 'shop',
    clientAddress: '-',
  });

  const auditor = await store.as('auditor');
  expect(await listProviders(auditor)).toMatchObject([
    {
      name: 'okta',
      type: 'oidc',
      issuer: 'https://idp.example',
      opens: ['proxy', 'console'],
      groupsClaim: 'groups',
      subjects: 1,
      lastSeenAt: seen,
    },
    { name: 'github', opens: ['proxy', 'device'], groupsClaim: null, subjects: 0, lastSeenAt: null },
  ]);
  expect(JSON.stringify(await listProviders(auditor))).not.toContain('s3cret');
  expect(await listIdentities(auditor)).toMatchObject([{ provider: 'okta', subject: '00u1', principal: 'ana', lastSeenAt: seen }]);

  await expect(unlinkIdentity(auditor, { id: 'idn_ana' })).rejects.toThrow(/admin/);
  await unlinkIdentity(admin, { id: 'idn_ana' });
  expect(await listIdentities(auditor)).toEqual([]);
  expect(
    await store.store.select({ source: principalGroups.source }).from(principalGroups).where(eq(principalGroups.principalId, principalId)),
  ).toEqual([{ source: '' }]);
  expect((await store.store.select().from(sessions))[0]?.killRequestedAt).not.toBeNull();
  const [entry] = await store.store.select().from(actions).where(eq(actions.action, 'identity.unlink'));
  expect(entry).toMatchObject({ subject: 'ana', before: { provider: 'okta', subject: '00u1' }, after: { sessionsEnded: 1 } });
  await expect(unlinkIdentity(admin, { id: 'idn_ana' })).rejects.toThrow(/idn_ana/);
});
