import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sessions } from '../../db/schema/audit';
import type { TokenIdentity } from '../../db/schema/identityShapes';
import { type TestStore, withStore } from '../testing';
import { auditFacets } from './facets';
import { searchStatements } from './search';
import { recordStatements } from './testing';

let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let auditor: Caller;

const IDENTITY: TokenIdentity = {
  ...{ providerId: 'idp_1', provider: 'okta', issuer: 'https://acme.okta.com', subject: '00u1', actors: [] },
  ...{ client: null, tokenId: null, issuedAt: null, personId: null },
};
const SESSIONS: Record<string, TokenIdentity | null> = {
  ses_ana: IDENTITY,
  ses_ana_by_bot: { ...IDENTITY, actors: ['mcp-bot', 'outer'], client: 'claude' },
  // The same subject, at another provider: somebody else.
  ses_other: { ...IDENTITY, provider: 'entra', issuer: 'https://login.example/v2.0', client: 'app 7' },
  ses_odd: { ...IDENTITY, subject: 'repo:acme/shop:ref:refs/heads/main' },
  ses_token: null,
};

beforeAll(async () => {
  db = await withStore();
  auditor = await db.as('auditor');
  const mia = await db.as('member', { name: 'mia' });
  for (const [id, identity] of Object.entries(SESSIONS)) {
    const principalName = id === 'ses_ana' ? 'mia' : 'bot';
    await db.store.insert(sessions).values({
      ...{
        id,
        gatewayId: 'gw',
        workerId: 'w',
        principalId: mia.actor.id,
        principalName,
        connectionName: 'shop',
        clientAddress: '127.0.0.1:1',
      },
      identity,
    });
    await recordStatements(db, [{ sessionId: id, principalName, sql: `SELECT '${id}'` }]);
  }
});
afterAll(() => db.close());

const found = async (q: string, caller = auditor) => {
  const { items, diagnostics } = await searchStatements(caller, { q });
  expect(diagnostics).toEqual([]);
  return items.map(({ sessionId }) => sessionId.slice(4)).sort();
};

test.each([
  ['sub:00u1', ['ana', 'ana_by_bot', 'other']],
  ['sub:00u1 issuer:okta', ['ana', 'ana_by_bot']],
  ['sub:00u1 issuer:https://login.example/v2.0', ['other']],
  ['issuer:https://acme.okta.com', ['ana', 'ana_by_bot', 'odd']],
  ['issuer:*okta*', ['ana', 'ana_by_bot', 'odd']],
  ['sub:repo:acme/shop:*', ['odd']],
  ['agent:mcp-bot', ['ana_by_bot']],
  ['agent:outer', ['ana_by_bot']],
  ['agent:claude', ['ana_by_bot']],
  ['agent:"app 7"', ['other']],
  ['agent:mcp-*', ['ana_by_bot']],
  ['agent:*', ['ana_by_bot', 'other']],
  ['agent:mcp-bot sub:00u2', []],
  ['sub:00U1', []],
  ['sub:*', ['ana', 'ana_by_bot', 'odd', 'other']],
  ['sub:00u1 who:bot', ['ana_by_bot', 'other']],
  // Two words of one identity have to be of the same session.
  ['agent:claude issuer:entra', []],
  ['sub:00u1 ses_other', ['other']],
])('%s', async (q, sessionsFound) => {
  expect(await found(q)).toEqual(sessionsFound);
});

test('a member finds their own alone, and what is counted beside a search is of it', async () => {
  const mia = { ...auditor, actor: { ...auditor.actor, role: 'member' as const, name: 'mia' } };
  expect(await found('sub:00u1', mia)).toEqual(['ana']);
  const who = (await auditFacets(auditor, { q: 'agent:mcp-bot' })).find(({ field }) => field === 'who');
  expect(who?.values).toMatchObject([{ value: 'bot', count: 1 }]);
});

test('a subject with more sessions than are named one by one is found the same', async () => {
  await db.store.execute(sql`
    insert into sessions (id, gateway_id, worker_id, principal_id, principal_name, connection_name, client_address, identity)
    select 'ses_many_' || n, 'gw', 'w', 'prn', 'bot', 'shop', '127.0.0.1:1', ${JSON.stringify({ ...IDENTITY, subject: 'ci' })}::jsonb
    from generate_series(1, 6000) n`);
  await recordStatements(db, [{ sessionId: 'ses_many_5999' }, { sessionId: 'ses_many_17' }, { sessionId: 'ses_ana' }]);
  expect(await found('sub:ci')).toEqual(['many_17', 'many_5999']);
});
