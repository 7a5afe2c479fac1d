import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { listen } from '../../db/listen';
import { approvalDecisions, approvalRequests } from '../../db/schema/approvals';
import { actions } from '../../db/schema/audit';
import type { ServiceError } from '../errors';
import { type TestStore, withStore } from '../testing';
import { approveRequest } from './approve';
import { getRequest } from './get';
import { listRequests } from './list';
import { rejectRequest } from './reject';
import { approvalStats } from './stats';

let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let ana: Caller;
let bo: Caller;
let cy: Caller;
let agent: Caller;

beforeAll(async () => {
  db = await withStore();
  ana = await db.as('admin', { name: 'ana', groups: ['dba'] });
  bo = await db.as('reviewer', { name: 'bo', groups: ['dba'] });
  cy = await db.as('reviewer', { name: 'cy', groups: ['dba'] });
  agent = await db.as('member', { name: 'support-bot', kind: 'agent', ownerId: ana.actor.id });
});
afterAll(() => db.close());
beforeEach(() => db.store.delete(approvalRequests));

async function hold(overrides: Partial<typeof approvalRequests.$inferInsert> = {}): Promise<string> {
  const id = newId('req');
  await db.store.insert(approvalRequests).values({
    id,
    statementId: newId('stm'),
    sessionId: newId('ses'),
    gatewayId: 'gw_1',
    workerId: 'w1',
    principalId: agent.actor.id,
    principalName: 'support-bot',
    ownerId: ana.actor.id,
    ownerName: 'ana',
    connectionName: 'shop',
    sql: 'DELETE FROM orders WHERE id = 1',
    parameters: [],
    digest: 'd',
    kind: 'DELETE',
    effects: ['delete'],
    relations: [{ name: 'public.orders', access: 'write' }],
    rule: 'review-deletes',
    why: 'DELETE is reviewed',
    tried: [],
    transactionStatus: 'I',
    reviewerGroups: ['dba'],
    required: 1,
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
const statusOf = async (id: string) => (await db.store.select().from(approvalRequests).where(eq(approvalRequests.id, id)))[0]?.status;

describe('who decides', () => {
  test('a reviewer of the group approves, and it is on record', async () => {
    const id = await hold();
    const detail = await approveRequest(bo, { id, reason: 'cleaning up' });
    expect(detail).toMatchObject({
      status: 'approved',
      approvals: 1,
      decisions: [{ reviewerName: 'bo', decision: 'approve', reason: 'cleaning up' }],
    });
    expect(await db.store.select().from(actions).where(eq(actions.subject, id))).toMatchObject([
      { actorName: 'bo', action: 'request.approve' },
    ]);
  });

  test('nobody decides what their own agent asks for, administrators included, and hears who can', async () => {
    const id = await hold();
    expect(await refused(approveRequest(ana, { id }))).toBe(
      'FORBIDDEN: support-bot acts for you, and nobody decides their own agent’s request. Who can: bo, cy',
    );
    expect((await getRequest(ana, { id })).mayDecide).toMatchObject({ allowed: false, who: ['bo', 'cy'] });
    expect(await refused(rejectRequest(ana, { id, reason: 'no' }))).toMatch(/^FORBIDDEN/);
    expect(await statusOf(id)).toBe('pending');
  });

  test('nobody decides what they asked for themselves', async () => {
    const id = await hold({ principalId: bo.actor.id, principalName: 'bo', ownerId: null, ownerName: null });
    expect(await refused(approveRequest(bo, { id }))).toContain('you asked for this yourself');
  });

  test('an administrator outside the reviewer groups does not decide; with no groups named, the role is enough', async () => {
    const other = await db.as('admin');
    expect(await refused(approveRequest(other, { id: await hold() }))).toContain('the rule asks for a reviewer in group dba');
    expect((await approveRequest(other, { id: await hold({ reviewerGroups: [] }) })).status).toBe('approved');
  });

  test('auditors, members and agents do not decide, whatever their groups', async () => {
    const id = await hold();
    expect(await refused(approveRequest(await db.as('auditor', { groups: ['dba'] }), { id }))).toContain('your role is auditor');
    expect(await refused(approveRequest(await db.as('reviewer', { kind: 'agent', groups: ['dba'] }), { id }))).toContain('only a person');
    // A member may not even learn that a stranger's request exists.
    expect(await refused(approveRequest(await db.as('member', { groups: ['dba'] }), { id }))).toBe(
      `NOT_FOUND: request ${id} does not exist`,
    );
    expect(await statusOf(id)).toBe('pending');
  });

  test('a member sees their own agents’ requests and nobody else’s', async () => {
    const member = await db.as('member', { name: 'mia' });
    const own = await hold({ ownerId: member.actor.id, ownerName: 'mia' });
    await hold();
    expect((await listRequests(member, {})).items.map((row) => row.id)).toEqual([own]);
    expect((await approvalStats(member)).pending).toBe(1);
  });

  test('rejecting needs a reason', async () => {
    const id = await hold();
    expect(await refused(rejectRequest(bo, { id, reason: '  ' }))).toBe('INVALID: reason: say why: the client sees it');
    expect((await rejectRequest(bo, { id, reason: 'wrong table' })).decisions[0]?.reason).toBe('wrong table');
  });
});

describe('late and expired', () => {
  test('a late click hears who decided and when', async () => {
    const id = await hold();
    await approveRequest(bo, { id });
    expect(await refused(rejectRequest(cy, { id, reason: 'no' }))).toMatch(/^CONFLICT: already approved by bo (just now|\d s ago)$/);
  });

  test('past its deadline nothing is approved, even where nobody marked it expired yet', async () => {
    const id = await hold({ expiresAt: new Date(Date.now() - 5_000) });
    expect(await refused(approveRequest(bo, { id }))).toBe('CONFLICT: expired 5 s ago; nothing was executed');
    expect(await db.store.select().from(approvalDecisions).where(eq(approvalDecisions.requestId, id))).toEqual([]);
  });

  test('a withdrawn request stays withdrawn', async () => {
    const id = await hold({ status: 'withdrawn', endedAt: new Date() });
    expect(await refused(approveRequest(bo, { id }))).toContain('withdrawn by its client');
  });
});

describe('two of two', () => {
  test('the first approval counts, the same reviewer does not count twice, the second releases', async () => {
    const id = await hold({ required: 2 });
    expect(await approveRequest(bo, { id })).toMatchObject({ status: 'pending', approvals: 1, decidedAt: null });
    expect(await refused(approveRequest(bo, { id }))).toContain('CONFLICT: you have approved this');
    expect(await approveRequest(cy, { id })).toMatchObject({ status: 'approved', approvals: 2 });
  });

  test('both at once: neither approval is lost', async () => {
    for (let round = 0; round < 10; round++) {
      const id = await hold({ required: 2 });
      await Promise.all([approveRequest(bo, { id }), approveRequest(cy, { id })]);
      expect(await statusOf(id)).toBe('approved');
    }
  });

  test('one rejection ends it', async () => {
    const id = await hold({ required: 2 });
    await approveRequest(bo, { id });
    expect((await rejectRequest(cy, { id, reason: 'no' })).status).toBe('rejected');
  });
});

describe('races', () => {
  test('of fifty approvals at once one wins; forty-nine are conflicts; one decision and one action are on record', async () => {
    const reviewers = await Promise.all(Array.from({ length: 50 }, () => db.as('reviewer', { groups: ['dba'] })));
    const id = await hold();
    const notified: string[] = [];
    let listening = () => {};
    const ready = new Promise<void>((resolve) => {
      listening = resolve;
    });
    const listener = listen(db.url, ['gatehouse_approvals'], {
      onNotification: (_channel, payload) => notified.push(payload),
      onConnected: () => listening(),
    });
    await ready;
    const results = await Promise.allSettled(reviewers.map((reviewer) => approveRequest(reviewer, { id })));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    const losers = results.filter((result) => result.status === 'rejected').map((result) => (result.reason as ServiceError).code);
    expect(losers).toEqual(Array(49).fill('CONFLICT'));
    expect(await db.store.select().from(approvalDecisions).where(eq(approvalDecisions.requestId, id))).toHaveLength(1);
    expect(await db.store.select().from(actions).where(eq(actions.subject, id))).toHaveLength(1);
    await expect.poll(() => notified).toEqual([id]);
    await listener.close();
  });

  test('approve against reject: exactly one stands', async () => {
    for (let round = 0; round < 10; round++) {
      const id = await hold();
      const results = await Promise.allSettled([approveRequest(bo, { id }), rejectRequest(cy, { id, reason: 'no' })]);
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
      expect(['approved', 'rejected']).toContain(await statusOf(id));
    }
  });
});
