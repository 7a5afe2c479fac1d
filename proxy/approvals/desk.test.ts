import { eq, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { approvalDecisions, approvalRequests } from '../../db/schema/approvals';
import { principals } from '../../db/schema/identity';
import { EVENT_KINDS } from '../../db/schema/notificationShapes';
import { notificationChannels, notificationDeliveries } from '../../db/schema/notifications';
import { openStore, type Store } from '../../db/store';
import { createDesk, type Desk, type HoldRequest } from './desk';

let store: Store;
let closeStore: () => Promise<void>;
let drop: () => Promise<void>;
let desk: Desk;
const reviewer = newId('prn');

beforeAll(async () => {
  const database = await withPostgres();
  await migrateStore(database.url);
  const opened = openStore(database.url, { max: 10, applicationName: 'desk test' });
  store = opened.store;
  closeStore = opened.close;
  drop = database.drop;
  await store.insert(principals).values({ id: reviewer, name: 'bo', kind: 'human' });
});
afterAll(async () => {
  await closeStore();
  await drop();
});
beforeEach(() => {
  desk = createDesk({ store, gatewayId: 'gw_1', workerId: 'w1', now: () => new Date() });
});
afterEach(() => desk.close());

const request = (expiresInMs = 60_000): HoldRequest => ({
  statementId: newId('stm'),
  sessionId: newId('ses'),
  principalId: 'prn_x',
  principalName: 'bot',
  connectionName: 'shop',
  sql: 'delete from t',
  parameters: [],
  digest: '0',
  kind: 'DELETE',
  effects: [],
  relations: [],
  rule: 'review-deletes',
  why: 'because',
  tried: [],
  transactionStatus: 'I',
  reviewerGroups: [],
  required: 1,
  expiresAt: new Date(Date.now() + expiresInMs),
});

const statusOf = async (id: string) => (await store.select().from(approvalRequests).where(eq(approvalRequests.id, id)))[0]?.status;
const setStatus = (id: string, status: 'approved' | 'rejected') =>
  store.update(approvalRequests).set({ status }).where(eq(approvalRequests.id, id));
const decide = (id: string, decision: 'approve' | 'reject', reason: string | null = null) =>
  store.insert(approvalDecisions).values({ id: newId('dec'), requestId: id, reviewerId: reviewer, reviewerName: 'bo', decision, reason });

describe('events', () => {
  const told = async (subject: string) =>
    (
      await store
        .select()
        .from(notificationDeliveries)
        .where(eq(notificationDeliveries.subject, subject))
        .orderBy(notificationDeliveries.seq)
    ).map(({ event }) => event);
  beforeAll(() =>
    store.insert(notificationChannels).values({
      ...{ id: newId('ntc'), name: 'all', kind: 'webhook', config: { kind: 'webhook', url: 'http://127.0.0.1:9' }, secretsSealed: '' },
      ...{ events: [...EVENT_KINDS], connections: [], groups: [] },
    }),
  );
  afterAll(() => store.delete(notificationChannels));

  test('what is filed, executed, withdrawn and expired is queued with it', async () => {
    const executed = await desk.hold(request(), () => undefined);
    await setStatus(executed.requestId, 'approved');
    desk.wake(executed.requestId);
    await executed.outcome;
    expect(await told(executed.requestId)).toEqual(['request.filed', 'request.executed']);
    const withdrawn = await desk.hold(request(), () => undefined);
    withdrawn.withdraw();
    await expect.poll(() => told(withdrawn.requestId)).toEqual(['request.filed', 'request.withdrawn']);
    const expired = await desk.hold(request(30), () => undefined);
    await expired.outcome;
    expect(await told(expired.requestId)).toEqual(['request.filed', 'request.expired']);
  });

  test('a request that the store does not take tells of nothing', async () => {
    const before = await store.$count(notificationDeliveries);
    await expect(desk.hold({ ...request(), expiresAt: new Date(Number.NaN) }, () => undefined)).rejects.toThrow();
    expect(await store.$count(notificationDeliveries)).toBe(before);
  });
});

describe('approval desk', () => {
  test('an approval is consumed in the store before the statement may run', async () => {
    const hold = await desk.hold(request(), () => undefined);
    expect(await statusOf(hold.requestId)).toBe('pending');
    await decide(hold.requestId, 'approve');
    await setStatus(hold.requestId, 'approved');
    desk.wake(hold.requestId);
    expect(await hold.outcome).toEqual({ kind: 'approved', reviewers: [{ name: 'bo', decision: 'approve' }] });
    expect(await statusOf(hold.requestId)).toBe('executed');
  });

  test('a hundred wake-ups and a second desk consume it once', async () => {
    const other = createDesk({ store, gatewayId: 'gw_2', workerId: 'w1', now: () => new Date() });
    const hold = await desk.hold(request(), () => undefined);
    await setStatus(hold.requestId, 'approved');
    for (let i = 0; i < 100; i++) {
      desk.wake(hold.requestId);
      other.wake(hold.requestId);
    }
    expect(await hold.outcome).toMatchObject({ kind: 'approved' });
    other.close();
  });

  test('a request that something else consumed does not run', async () => {
    const hold = await desk.hold(request(), () => undefined);
    await store.execute(sql`update approval_requests set status = 'executed' where id = ${hold.requestId}`);
    desk.wake(hold.requestId);
    expect(await hold.outcome).toMatchObject({ kind: 'withdrawn' });
  });

  test('a rejection brings its reason', async () => {
    const hold = await desk.hold(request(), () => undefined);
    await decide(hold.requestId, 'reject', 'Not today.');
    await setStatus(hold.requestId, 'rejected');
    desk.wake(hold.requestId);
    expect(await hold.outcome).toEqual({
      ...{ kind: 'rejected', reviewer: 'bo', reason: 'Not today.' },
      reviewers: [{ name: 'bo', decision: 'reject' }],
    });
  });

  test('one of two approvals is told and does not run', async () => {
    const seen: number[] = [];
    const hold = await desk.hold({ ...request(), required: 2 }, (approvals) => seen.push(approvals));
    await decide(hold.requestId, 'approve');
    desk.wake(hold.requestId);
    await expect.poll(() => seen).toEqual([1]);
    expect(await statusOf(hold.requestId)).toBe('pending');
    hold.withdraw();
    // Who had approved stays named.
    expect(await hold.outcome).toEqual({ kind: 'withdrawn', reviewers: [{ name: 'bo', decision: 'approve' }] });
  });

  test('expiry ends it in the store too', async () => {
    const hold = await desk.hold(request(50), () => undefined);
    expect(await hold.outcome).toEqual({ kind: 'expired', reviewers: [] });
    expect(await statusOf(hold.requestId)).toBe('expired');
  });

  test('a withdrawn request cannot be approved any more', async () => {
    const hold = await desk.hold(request(), () => undefined);
    hold.withdraw();
    expect(await hold.outcome).toMatchObject({ kind: 'withdrawn' });
    await expect.poll(() => statusOf(hold.requestId)).toBe('withdrawn');
  });

  test('approval and withdrawal at once: it runs and says executed, or it does not and says withdrawn', async () => {
    for (let round = 0; round < 30; round++) {
      const hold = await desk.hold(request(), () => undefined);
      await setStatus(hold.requestId, 'approved');
      desk.wake(hold.requestId);
      if (round % 3 > 0) await new Promise((resolve) => setTimeout(resolve, round % 5));
      hold.withdraw();
      const outcome = await hold.outcome;
      const expected = outcome.kind === 'approved' ? 'executed' : 'withdrawn';
      await expect.poll(() => statusOf(hold.requestId)).toBe(expected);
    }
  });

  test('a decision that came while nobody listened is found when the desk looks again', async () => {
    const hold = await desk.hold(request(), () => undefined);
    await setStatus(hold.requestId, 'approved');
    desk.wakeAll();
    expect(await hold.outcome).toMatchObject({ kind: 'approved' });
  });
});
