import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { approvalGrants, approvalRequests, policyEdits } from '../../db/schema/approvals';
import { actions } from '../../db/schema/audit';
import { policyState } from '../../db/schema/policy';
import type { ApprovalScope } from '../../db/schema/shapes';
import type { ServiceError } from '../errors';
import { applyPolicy } from '../policy/apply';
import { removeRule } from '../rules/remove';
import { saveRule } from '../rules/save';
import { type TestStore, withStore } from '../testing';
import { approveRequest } from './approve';
import { getRequest } from './get';
import { commonScope } from './grant';
import { listGrants, revokeGrant } from './grants';
import { measureRequest } from './measure';

let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let ana: Caller;
let bo: Caller;
let cy: Caller;
let agent: Caller;

beforeAll(async () => {
  db = await withStore();
  ana = await db.as('admin', { name: 'ana' });
  bo = await db.as('reviewer', { name: 'bo' });
  cy = await db.as('reviewer', { name: 'cy' });
  agent = await db.as('member', { name: 'support-bot', kind: 'agent' });
});
afterAll(() => db.close());
beforeEach(async () => {
  await db.store.delete(approvalRequests);
  await db.store.delete(policyEdits);
});

async function hold(overrides: Partial<typeof approvalRequests.$inferInsert> = {}): Promise<string> {
  const id = newId('req');
  const [state] = await db.store.select().from(policyState);
  await db.store.insert(approvalRequests).values({
    ...{ id, statementId: newId('stm'), sessionId: 'ses_1', gatewayId: 'gw_1', workerId: 'w1', connectionName: 'shop' },
    ...{ principalId: agent.actor.id ?? '', principalName: 'support-bot', sql: 'DELETE FROM t WHERE id = 1', parameters: [], digest: 'd' },
    ...{ shape: 'shape', shapeIsExact: false, policyVersion: state?.version ?? 0, kind: 'DELETE', effects: [], relations: [] },
    ...{ rule: 'review-deletes', why: 'it says so', tried: [], transactionStatus: 'I', reviewerGroups: [], required: 1 },
    expiresAt: new Date(Date.now() + 60_000),
    ...overrides,
  });
  return id;
}

const refused = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => null,
    (thrown: ServiceError) => thrown,
  );
  if (error === null) throw new Error('it was not refused');
  return `${error.code}: ${error.message}`;
};
const grantRows = () => db.store.select().from(approvalGrants);

test.each<[(ApprovalScope | null)[], ReturnType<typeof commonScope>]>([
  [[null], null],
  [[{ kind: 'once' }], null],
  [[{ kind: 'session' }, null], null],
  [[{ kind: 'session' }], { session: true, minutes: null }],
  [[{ kind: 'minutes', minutes: 30 }], { session: false, minutes: 30 }],
  [
    [
      { kind: 'minutes', minutes: 30 },
      { kind: 'minutes', minutes: 5 },
    ],
    { session: false, minutes: 5 },
  ],
  [[{ kind: 'minutes', minutes: 30 }, { kind: 'session' }], { session: true, minutes: 30 }],
])('%j together reach %j', (scopes, expected) => expect(commonScope(scopes)).toEqual(expected));

describe('grants', () => {
  test('an approval reaches one run unless it says more', async () => {
    await approveRequest(bo, { id: await hold() });
    await approveRequest(bo, { id: await hold(), scope: { kind: 'once' } });
    expect(await grantRows()).toEqual([]);
  });

  test('for a session or for minutes: on record, listed, and on the request', async () => {
    const session = await hold();
    const detail = await approveRequest(bo, { id: session, scope: { kind: 'session' } });
    await approveRequest(bo, { id: await hold(), scope: { kind: 'minutes', minutes: 30 } });
    const { items } = await listGrants(ana, {});
    expect(items).toMatchObject([
      { state: 'active', sessionId: null, expiresAt: expect.any(Date), reviewers: ['bo'], uses: 0 },
      { state: 'active', sessionId: 'ses_1', expiresAt: null, requestId: session, rule: 'review-deletes' },
    ]);
    expect(detail.grantId).toBe(items[1]?.id);
    expect(
      await db.store
        .select()
        .from(actions)
        .where(eq(actions.subject, items[1]?.id ?? '')),
    ).toMatchObject([{ action: 'grant.make', actorName: 'bo' }]);
  });

  test('of two reviewers, no further than each of them said', async () => {
    const one = await hold({ required: 2 });
    await approveRequest(bo, { id: one, scope: { kind: 'session' } });
    expect(await grantRows()).toEqual([]);
    await approveRequest(cy, { id: one });
    expect(await grantRows()).toEqual([]);
    const both = await hold({ required: 2 });
    await approveRequest(bo, { id: both, scope: { kind: 'session' } });
    await approveRequest(cy, { id: both, scope: { kind: 'minutes', minutes: 5 } });
    expect(await grantRows()).toMatchObject([{ sessionId: 'ses_1', expiresAt: expect.any(Date), reviewers: ['bo', 'cy'] }]);
  });

  test('what has no shape is approved for one run only', async () => {
    const id = await hold({ shape: '' });
    expect((await getRequest(bo, { id })).grantable).toBe('no');
    expect(await refused(approveRequest(bo, { id, scope: { kind: 'session' } }))).toMatch(/^INVALID: scope/);
    expect((await getRequest(bo, { id })).status).toBe('pending');
    for (const minutes of [0, 1.5, 24 * 60 + 1])
      expect(await refused(approveRequest(bo, { id, scope: { kind: 'minutes', minutes } }))).toMatch(/^INVALID/);
  });

  test('revoked at once, once, by reviewers only; a member sees their own', async () => {
    await approveRequest(bo, { id: await hold(), scope: { kind: 'session' } });
    const [grant] = (await listGrants(agent, {})).items;
    const id = grant?.id ?? '';
    expect((await listGrants(await db.as('member'), {})).items).toEqual([]);
    expect(await refused(revokeGrant(agent, { id }))).toMatch(/^FORBIDDEN/);
    expect(await refused(revokeGrant(await db.as('auditor'), { id }))).toMatch(/^FORBIDDEN/);
    await revokeGrant(cy, { id });
    expect(await refused(revokeGrant(bo, { id }))).toBe('CONFLICT: already revoked by cy');
    expect(await refused(revokeGrant(bo, { id: 'grt_none' }))).toMatch(/^NOT_FOUND/);
    expect((await listGrants(ana, {})).items).toEqual([]);
    expect((await listGrants(ana, { status: 'all' })).items).toMatchObject([{ id, state: 'revoked', revokedBy: 'cy' }]);
  });

  test('a grant of an older policy covers nothing, and says so', async () => {
    await approveRequest(bo, { id: await hold(), scope: { kind: 'session' } });
    await saveRule(ana, { name: 'something-else', action: 'deny', match: { statements: ['DROP'] } });
    expect((await listGrants(ana, {})).items).toEqual([]);
    expect((await listGrants(ana, { status: 'all' })).items).toMatchObject([{ state: 'policyChanged' }]);
  });
});

describe('nobody decides under their own rule', () => {
  const rule = (over: object = {}) => ({ name: 'review-deletes', action: 'hold', match: { statements: ['DELETE'] }, ...over });

  test('who made it in the console, administrators included, until somebody else has changed it', async () => {
    const { id: ruleId } = await saveRule(ana, rule());
    const id = await hold();
    expect(await refused(approveRequest(ana, { id }))).toBe(
      'FORBIDDEN: you changed rule review-deletes, which holds this, and nobody decides under their own rule. Who can: bo, cy',
    );
    const zoe = await db.as('admin', { name: 'zoe' });
    await saveRule(zoe, rule({ id: ruleId, message: 'ask' }));
    // Ana has not changed it as it stands, but she has since the request was filed only if that is older.
    expect(await refused(approveRequest(zoe, { id }))).toMatch(/^FORBIDDEN: you changed rule/);
    expect((await approveRequest(ana, { id: await hold() })).status).toBe('approved');
    await removeRule(ana, { id: ruleId });
    // Taking it away is a hand in it too.
    expect(await refused(approveRequest(ana, { id }))).toMatch(/^FORBIDDEN: you changed rule/);
    expect((await approveRequest(bo, { id })).status).toBe('approved');
  });

  test('a change while the request waits keeps its author out for good', async () => {
    const { id: ruleId } = await saveRule(await db.as('admin'), rule());
    const id = await hold();
    await saveRule(ana, rule({ id: ruleId, message: 'one' }));
    await saveRule(await db.as('admin'), rule({ id: ruleId, message: 'two' }));
    expect(await refused(approveRequest(ana, { id }))).toMatch(/^FORBIDDEN: you changed rule/);
    await removeRule(await db.as('admin'), { id: ruleId });
  });

  test('`apply` counts for the rules it changes, and for what connections hold by default', async () => {
    const document = (opaque: string, message: string) => `
version: 1
connections:
  - { name: shop, host: localhost, port: 5432, database: d, username: u, opaque: ${opaque} }
rules:
  - { name: review-deletes, match: { statements: [DELETE] }, action: hold, message: ${message} }
  - { name: other, match: { statements: [DROP] }, action: hold }
`;
    const apply = (actor: Caller['actor'], yaml: string) =>
      applyPolicy(db.store, { yaml, env: {}, dryRun: false, actor, secretKey: ana.secretKey });
    const first = await db.as('admin');
    await apply(first.actor, document('hold', 'one'));
    // Nothing is theirs: they apply the same again.
    await apply(ana.actor, document('hold', 'one'));
    expect((await getRequest(ana, { id: await hold() })).mayDecide.allowed).toBe(true);
    await apply(ana.actor, document('hold', 'two'));
    expect((await getRequest(ana, { id: await hold() })).mayDecide.allowed).toBe(false);
    expect((await getRequest(ana, { id: await hold({ rule: 'other' }) })).mayDecide.allowed).toBe(true);
    expect((await getRequest(ana, { id: await hold({ rule: 'opaque' }) })).mayDecide.allowed).toBe(true);
    await apply(ana.actor, document('deny', 'two'));
    expect((await getRequest(ana, { id: await hold({ rule: 'opaque' }) })).mayDecide).toMatchObject({ allowed: false });
  });
});

describe('an author is not washed out', () => {
  const rule = (over: object = {}) => ({ name: 'their-rule', action: 'hold', match: { statements: ['DELETE'] }, ...over });
  test('saving without change does not wash the author', async () => {
    const { id: ruleId } = await saveRule(ana, rule());
    await saveRule(await db.as('admin'), rule({ id: ruleId }));
    const id = await hold({ rule: 'their-rule' });
    const may = (await getRequest(ana, { id })).mayDecide;
    await removeRule(await db.as('admin'), { id: ruleId });
    expect(may.allowed).toBe(false);
  });
  test('the author of the rule as it held the request stays out when another edits later', async () => {
    const { id: ruleId } = await saveRule(ana, rule());
    const id = await hold({ rule: 'their-rule' });
    await saveRule(await db.as('admin'), rule({ id: ruleId, message: 'two' }));
    const may = (await getRequest(ana, { id })).mayDecide;
    await removeRule(await db.as('admin'), { id: ruleId });
    expect(may.allowed).toBe(false);
  });
  test('who made the second rule that holds a text stays out, though the first speaks for it', async () => {
    const { id: ruleId } = await saveRule(ana, rule());
    const tried = [{ rule: 'their-rule', mode: 'enforce' as const, action: 'hold' as const, matched: true, why: 'DELETE' }];
    const id = await hold({ rule: 'nobodys-rule', tried });
    const may = (await getRequest(ana, { id })).mayDecide;
    const observed = await hold({ rule: 'nobodys-rule', tried: tried.map((trial) => ({ ...trial, mode: 'observe' as const })) });
    const free = (await getRequest(ana, { id: observed })).mayDecide;
    await removeRule(await db.as('admin'), { id: ruleId });
    expect(may.allowed).toBe(false);
    expect(free.allowed).toBe(true);
  });
  test('an editor may not measure', async () => {
    const { id: ruleId } = await saveRule(ana, rule());
    const id = await hold({ rule: 'their-rule' });
    const said = await refused(measureRequest(ana, { id }));
    await removeRule(await db.as('admin'), { id: ruleId });
    expect(said).toMatch(/^FORBIDDEN: you changed rule/);
  });
});
