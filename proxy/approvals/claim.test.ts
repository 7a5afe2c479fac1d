import { eq, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { approvalDecisions, approvalRequests } from '../../db/schema/approvals';
import { principals } from '../../db/schema/identity';
import { openStore, type Store } from '../../db/store';
import { expireUnclaimed } from './claim';
import { createDesk, type Desk, type HoldRequest } from './desk';

let store: Store;
let closeStore: () => Promise<void>;
let drop: () => Promise<void>;
let desk: Desk;
let other: Desk;
const reviewer = newId('prn');

beforeAll(async () => {
  const database = await withPostgres();
  await migrateStore(database.url);
  const opened = openStore(database.url, { max: 20, applicationName: 'claim test' });
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
  other = createDesk({ store, gatewayId: 'gw_2', workerId: 'w1', now: () => new Date() });
});
afterEach(() => {
  desk.close();
  other.close();
});

const request = (digest: string, expiresInMs = 60_000): HoldRequest => ({
  statementId: newId('stm'),
  sessionId: newId('ses'),
  principalId: 'prn_x',
  principalName: 'bot',
  connectionName: 'shop',
  sql: 'delete from t',
  parameters: [],
  digest,
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

const rowOf = async (id: string) => (await store.select().from(approvalRequests).where(eq(approvalRequests.id, id)))[0];
const setStatus = (id: string, status: 'approved' | 'rejected') =>
  store.update(approvalRequests).set({ status }).where(eq(approvalRequests.id, id));

test('it is filed once, and the same statement sent again is told its id', async () => {
  const claims = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? desk : other).claim(request('once'))));
  expect(new Set(claims.map((claim) => claim.kind))).toEqual(new Set(['pending']));
  expect(new Set(claims.map((claim) => claim.requestId)).size).toBe(1);
  expect(await desk.claim(request('another'))).not.toMatchObject({ requestId: claims[0]?.requestId });
});

test('a hundred that come for one approval through two gateways: one runs, the others wait for another', async () => {
  const { requestId } = await desk.claim(request('race'));
  await store
    .insert(approvalDecisions)
    .values({ id: newId('dec'), requestId, reviewerId: reviewer, reviewerName: 'bo', decision: 'approve' });
  await setStatus(requestId, 'approved');
  const claims = await Promise.all(Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? desk : other).claim(request('race'))));
  expect(claims.filter((claim) => claim.kind === 'approved')).toEqual([
    { kind: 'approved', requestId, reviewers: [{ name: 'bo', decision: 'approve' }] },
  ]);
  const rest = claims.filter((claim) => claim.kind === 'pending');
  expect(rest).toHaveLength(99);
  expect(new Set(rest.map((claim) => claim.requestId)).size).toBe(1);
  expect(rest[0]?.requestId).not.toBe(requestId);
  expect((await rowOf(requestId))?.status).toBe('executed');
});

test('a rejection is handed over once; sent again, it is a new request', async () => {
  const { requestId } = await desk.claim(request('rejected'));
  await store
    .insert(approvalDecisions)
    .values({ id: newId('dec'), requestId, reviewerId: reviewer, reviewerName: 'bo', decision: 'reject', reason: 'Not today.' });
  await setStatus(requestId, 'rejected');
  expect(await desk.claim(request('rejected'))).toEqual({
    ...{ kind: 'rejected', requestId, reviewer: 'bo', reason: 'Not today.' },
    reviewers: [{ name: 'bo', decision: 'reject' }],
  });
  const again = await desk.claim(request('rejected'));
  expect(again.kind).toBe('pending');
  expect(again.requestId).not.toBe(requestId);
});

test('what nobody came for in time is over, approved or not', async () => {
  const pending = await desk.claim(request('late', 1));
  const approved = await desk.claim(request('late approved', 1));
  await setStatus(approved.requestId, 'approved');
  await new Promise((resolve) => setTimeout(resolve, 5));
  // Over by its time, before anybody has written so.
  expect((await desk.claim(request('late approved'))).kind).toBe('pending');
  await expireUnclaimed(store, new Date());
  for (const { requestId } of [pending, approved]) expect(await rowOf(requestId)).toMatchObject({ status: 'expired' });
});

test('a statement that waits on its connection is nobody else’s to take', async () => {
  const hold = await desk.hold(request('waits'), () => undefined);
  expect((await other.claim(request('waits'))).requestId).not.toBe(hold.requestId);
  await setStatus(hold.requestId, 'approved');
  expect((await other.claim(request('waits'))).kind).toBe('pending');
  desk.wake(hold.requestId);
  expect(await hold.outcome).toMatchObject({ kind: 'approved' });
});

test('what a dead gateway left is taken up by the client that waits for the same, with the time that is left', async () => {
  const dead = await desk.hold(request('left', 30_000), () => undefined);
  desk.close();
  await store.update(approvalRequests).set({ waiting: false }).where(eq(approvalRequests.id, dead.requestId));
  const taken = await other.hold(request('left', 600_000), () => undefined);
  expect(taken.requestId).toBe(dead.requestId);
  expect(taken.expiresAt.getTime()).toBeLessThan(Date.now() + 31_000);
  await setStatus(taken.requestId, 'approved');
  // The first desk was not dead after all: its client gets nothing, for the request is another's now.
  desk.wake(dead.requestId);
  expect(await dead.outcome).toMatchObject({ kind: 'withdrawn' });
  other.wake(taken.requestId);
  expect(await taken.outcome).toMatchObject({ kind: 'approved' });
  expect(await rowOf(taken.requestId)).toMatchObject({ status: 'executed', gatewayId: 'gw_2' });
});

test('the desk finds by two questions what became of many while it did not listen', async () => {
  const holds = await Promise.all(Array.from({ length: 30 }, (_, i) => desk.hold(request(`many ${i}`), () => undefined)));
  await store.execute(sql`update approval_requests set status = 'approved' where digest like 'many %'`);
  desk.wakeAll();
  expect(new Set((await Promise.all(holds.map((hold) => hold.outcome))).map((outcome) => outcome.kind))).toEqual(new Set(['approved']));
});
