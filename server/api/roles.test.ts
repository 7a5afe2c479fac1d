import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Role } from '../../db/schema/shapes';
import { stopLive } from '../live/start';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { appRouter } from './router';
import type { ApiContext } from './trpc';

type Answer = 'ok' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'NOT_FOUND' | 'BAD_REQUEST' | 'CONFLICT' | 'SERVICE_UNAVAILABLE';
type Who = Role | 'anonymous';

const WHO: readonly Who[] = ['admin', 'reviewer', 'auditor', 'member', 'anonymous'];
const none = { id: 'xxx_none' };
const PROOF = { password: 'x', code: '000000' };

/** procedure → input that is harmless, and what admin, reviewer, auditor and member get. Anonymous always gets UNAUTHORIZED. */
const TABLE: Record<string, [input: unknown, admin: Answer, reviewer: Answer, auditor: Answer, member: Answer]> = {
  'me.get': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'me.leave': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'overview.get': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'connections.list': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'connections.save': [{ name: 'no spaces allowed' }, 'BAD_REQUEST', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'connections.remove': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'connections.test': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'connections.harden': [{ name: 'none' }, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'connections.verify': [{ name: 'none' }, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'connections.enforcement': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'FORBIDDEN'],
  'connections.reach': [{ connection: 'none' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'connections.snippets': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'rules.list': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'rules.save': [{}, 'BAD_REQUEST', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'rules.remove': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'rules.move': [{ ...none, position: 0 }, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'masking.list': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'masking.save': [{}, 'BAD_REQUEST', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'masking.remove': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'masking.preview': [{ connection: 'none', rule: 'none' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'FORBIDDEN'],
  'masking.columns': [{ connection: 'none' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'FORBIDDEN'],
  'access.list': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'access.save': [{ entries: [{}] }, 'BAD_REQUEST', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'accessRequests.requestable': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'accessRequests.list': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'accessRequests.get': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'accessRequests.request': [{ connection: 'none', durationMs: 60_000, reason: 'x' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'accessRequests.approve': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'accessRequests.reject': [{ ...none, reason: 'no' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'accessRequests.end': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'check.run': [{ connection: 'none', principal: 'stranger', sql: 'SELECT 1' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'FORBIDDEN'],
  'policy.export': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'policy.applyYaml': [{ yaml: 'version: 9' }, 'BAD_REQUEST', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'approvals.list': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'approvals.get': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'approvals.approve': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'approvals.confirmApproval': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'approvals.reject': [{ ...none, reason: 'no' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'approvals.preview': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'approvals.measure': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'approvals.grants': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'approvals.revokeGrant': [none, 'NOT_FOUND', 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN'],
  'approvals.breakGlass': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'approvals.stats': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'approvals.onChange': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'sessions.list': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'sessions.get': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'sessions.statements': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'sessions.timeline': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'sessions.kill': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'sessions.onChange': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'audit.search': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'audit.get': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'audit.histogram': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'record.checkpoint': [undefined, 'SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'FORBIDDEN'],
  'record.prove': [{ statement: 'x' }, 'BAD_REQUEST', 'FORBIDDEN', 'BAD_REQUEST', 'FORBIDDEN'],
  'audit.facets': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'audit.results': [{ statementId: 'stm_none' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'audit.prove': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'audit.status': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'views.list': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'views.save': [{ name: '' }, 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST'],
  'views.remove': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'reports.daily': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'audit.actions': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'audit.erase': [{ statement: 'stm_none', reason: 'x' }, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'audit.onStatement': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'device.get': [{ userCode: 'BCDF-GHJK' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'device.decide': [{ userCode: 'BCDF-GHJK', approve: true }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'identities.providers': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'identities.list': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'identities.unlink': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'localAccounts.get': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'localAccounts.begin': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'localAccounts.enrol': [{}, 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST'],
  'localAccounts.changePassword': [{}, 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST'],
  'localAccounts.changeAuthenticator': [{}, 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST'],
  'localAccounts.renewRecoveryCodes': [{ current: PROOF }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'localAccounts.removeOwn': [{ current: PROOF }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'localAccounts.remove': [{ principal: 'none' }, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'notifications.list': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'notifications.save': [{}, 'BAD_REQUEST', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'notifications.remove': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'notifications.enable': [{ ...none, enabled: true }, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'notifications.rotate': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'notifications.test': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'notifications.deliveries': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'notifications.sendAgain': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'secrets.rotate': [{ key: 'short' }, 'SERVICE_UNAVAILABLE', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'secrets.retire': [{ keyId: 'none' }, 'SERVICE_UNAVAILABLE', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'secrets.rotateSaml': [{ overlapMs: -1 }, 'BAD_REQUEST', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'principals.list': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'principals.usage': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'FORBIDDEN'],
  'principals.save': [{}, 'BAD_REQUEST', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'principals.disable': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'principals.enable': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'principals.signInLink': [{ principal: 'none' }, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'principals.signOut': [{ principal: 'none' }, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'groups.list': [undefined, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'passkeys.own': [undefined, 'ok', 'ok', 'ok', 'ok'],
  'passkeys.list': [{ principal: 'none' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'FORBIDDEN'],
  // Nobody here has one that could confirm a change.
  'passkeys.confirmAdding': [undefined, 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'passkeys.confirmRemoving': [none, 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'passkeys.begin': [{}, 'ok', 'ok', 'ok', 'ok'],
  'passkeys.register': [{ name: '' }, 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST', 'BAD_REQUEST'],
  'passkeys.rename': [{ ...none, name: 'x' }, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'passkeys.remove': [none, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND'],
  'tokens.list': [{ principalId: 'prn_other' }, 'ok', 'ok', 'ok', 'FORBIDDEN'],
  'tokens.create': [{ principal: 'none', ttlMs: 60_000 }, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'tokens.rotate': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
  'tokens.revoke': [none, 'NOT_FOUND', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
};

let db: TestStore;
const contexts = new Map<Who, ApiContext>();

beforeAll(async () => {
  db = await withStore();
  setRuntime({
    store: db.store,
    storeUrl: db.url,
    secretKey: db.secretKey,
    embeddedStore: true,
    dataDir: '/nowhere',
    gatewayId: 'gw_test',
    consoleUrl: 'http://127.0.0.1:4300',
  });
  const call = { store: db.store, secretKey: db.secretKey, browser: 'one' };
  for (const who of WHO) contexts.set(who, { call, actor: who === 'anonymous' ? null : (await db.as(who)).actor, forgeable: false });
});
afterAll(async () => {
  await stopLive();
  await db.close();
});

type Procedures = Record<string, { _def: { type: 'query' | 'mutation' | 'subscription' } }>;
const procedures = appRouter._def.procedures as unknown as Procedures;

async function ask(context: ApiContext, path: string, input: unknown): Promise<Answer> {
  const [noun = '', verb = ''] = path.split('.');
  const aborted = AbortSignal.timeout(50);
  const caller = appRouter.createCaller(context, { signal: aborted }) as unknown as Record<
    string,
    Record<string, (input: unknown) => Promise<unknown>>
  >;
  try {
    const result = await caller[noun]?.[verb]?.(input);
    // A subscription's refusal comes with its first event.
    if (typeof result === 'object' && result !== null && Symbol.asyncIterator in result)
      for await (const _event of result as AsyncIterable<unknown>) break;
    return 'ok';
  } catch (error) {
    return (error as { code: Answer }).code;
  }
}

describe('every procedure as every role', () => {
  test('the table has every procedure', () => {
    expect(Object.keys(TABLE).sort()).toEqual(Object.keys(procedures).sort());
  });

  test.each(Object.entries(TABLE))('%s', async (path, [input, ...answers]) => {
    const expected = Object.fromEntries(WHO.map((who, index) => [who, answers[index] ?? 'UNAUTHORIZED']));
    const found: Record<string, Answer> = {};
    for (const who of WHO) found[who] = await ask(contexts.get(who) ?? expect.fail('no context'), path, input);
    expect(found).toEqual(expected);
  });

  test('a mutation that another site could have sent is refused to everyone, and a query is not', async () => {
    for (const [path, procedure] of Object.entries(procedures)) {
      const context = { ...(contexts.get('admin') ?? expect.fail('no context')), forgeable: true };
      const answer = await ask(context, path, TABLE[path]?.[0]);
      if (procedure._def.type === 'mutation') expect([path, answer]).toEqual([path, 'FORBIDDEN']);
      else expect([path, answer]).not.toEqual([path, 'FORBIDDEN']);
    }
  });
});
