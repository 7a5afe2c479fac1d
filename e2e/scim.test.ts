import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, apiAsAdmin, apiAsOperator } from './api';
import { eventually, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
let operator: Api;
let bearer: string;
let policyBefore: string;

beforeAll(async () => {
  operator = await apiAsOperator(gateway);
  policyBefore = (await operator.policy.export.query()).yaml;
  await admin.principals.save.mutate({ name: 'e2e-directory', kind: 'service', role: 'admin' });
  bearer = (await admin.tokens.create.mutate({ principal: 'e2e-directory', label: 'scim', ttlMs: 3_600_000 })).secret;
});
afterAll(async () => {
  await operator?.policy.applyYaml.mutate({ yaml: policyBefore });
});

async function ask(method: string, path: string, body?: object) {
  const answer = await fetch(`${gateway.consoleUrl}/scim/v2${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/scim+json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: answer.status === 204 ? null : await answer.json() };
}
const patch = (...Operations: object[]) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations });

/** What a directory does for somebody who is assigned the application. */
async function assign(userName: string, group: string): Promise<{ id: string; groupId: string }> {
  const found = await ask('GET', `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}&startIndex=1&count=100`);
  expect(found.json).toMatchObject({ totalResults: 0 });
  const { json: user } = await ask('POST', '/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
    externalId: `ext-${userName}`,
    userName,
    active: true,
    displayName: userName,
    emails: [{ primary: true, type: 'work', value: `${userName}@corp.example` }],
    meta: { resourceType: 'User' },
    name: { formatted: userName, familyName: 'F', givenName: 'G' },
    roles: [],
  });
  const groups = await ask('GET', `/Groups?excludedAttributes=members&filter=${encodeURIComponent(`displayName eq "${group}"`)}`);
  const groupId = groups.json.Resources[0].id;
  await ask('PATCH', `/Groups/${groupId}`, patch({ op: 'Add', path: 'members', value: [{ value: user.id }] }));
  return { id: user.id, groupId };
}

async function connected(userName: string) {
  const { secret } = await admin.tokens.create.mutate({ principal: userName, label: 'e2e', ttlMs: 3_600_000 });
  return { secret, client: await open(proxySettings(gateway, { user: userName, password: secret })) };
}

test('a person that a directory sends works by the group it says, and is cut off within five seconds of leaving', async () => {
  const { id } = await assign('scim-ana', 'dba');
  const { client, secret } = await connected('scim-ana');
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  const startedAt = performance.now();
  await ask('PATCH', `/Users/${id}`, patch({ op: 'Replace', path: 'active', value: 'False' }));
  await eventually('the session ends', async () => client.lost.length > 0, 5_000);
  console.info(`SCIM deactivation to session end: ${Math.round(performance.now() - startedAt)} ms`);
  expect((client.lost[0] as { code?: string }).code).toBe('57P01');
  expect((await failure(open(proxySettings(gateway, { user: 'scim-ana', password: secret })))).code).toBe('28P01');
  await ask('DELETE', `/Users/${id}`);
  expect((await ask('GET', `/Users/${id}`)).status).toBe(404);
});

test('whoever is taken out of the group that gave access is cut off too', async () => {
  const { id, groupId } = await assign('scim-bo', 'dba');
  const { client } = await connected('scim-bo');
  await ask('PATCH', `/Groups/${groupId}`, patch({ op: 'remove', path: `members[value eq "${id}"]` }));
  await eventually('the session ends', async () => client.lost.length > 0, 5_000);
  await ask('DELETE', `/Users/${id}`);
});
