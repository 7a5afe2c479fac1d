import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { approvalGrants, approvalRequests } from '../../db/schema/approvals';
import { actions } from '../../db/schema/audit';
import { openStore, type Store } from '../../db/store';
import { announceBreakGlass } from './breakGlass';
import type { HoldRequest } from './desk';
import { takeGrant } from './grants';

let store: Store;
let closeStore: () => Promise<void>;
let drop: () => Promise<void>;
const requestId = newId('req');

const request: HoldRequest = {
  statementId: newId('stm'),
  sessionId: 'ses_1',
  principalId: 'prn_x',
  principalName: 'bot',
  ownerId: 'prn_o',
  connectionName: 'shop',
  sql: 'delete from t where id = 1',
  parameters: [],
  digest: 'd',
  shape: 'shape',
  policyVersion: 7,
  kind: 'DELETE',
  effects: [],
  relations: [],
  rule: 'review-deletes',
  why: 'because',
  tried: [],
  transactionStatus: 'I',
  reviewerGroups: [],
  required: 1,
  expiresAt: new Date(Date.now() + 60_000),
};

beforeAll(async () => {
  const database = await withPostgres();
  await migrateStore(database.url);
  const opened = openStore(database.url, { max: 10, applicationName: 'grants test' });
  store = opened.store;
  closeStore = opened.close;
  drop = database.drop;
  await store.insert(approvalRequests).values({ ...request, id: requestId, gatewayId: 'gw_1', workerId: 'w1' });
});
afterAll(async () => {
  await closeStore();
  await drop();
});
beforeEach(() => store.delete(approvalGrants));

async function grant(overrides: Partial<typeof approvalGrants.$inferInsert> = {}): Promise<string> {
  const id = newId('grt');
  const { principalId, principalName, connectionName, rule } = request;
  await store.insert(approvalGrants).values({
    ...{ id, requestId, principalId, principalName, ownerId: 'prn_o', connectionName, rule, policyVersion: 7, shape: 'shape' },
    ...{ shapeIsExact: false, sql: request.sql, reviewers: ['bo'], ...overrides },
  });
  return id;
}

test('a grant covers its shape, and counts', async () => {
  expect(await takeGrant(store, request)).toBeNull();
  const id = await grant();
  expect(await takeGrant(store, request)).toMatchObject({ id, requestId, reviewers: ['bo'] });
  await Promise.all(Array.from({ length: 10 }, () => takeGrant(store, { ...request, sessionId: newId('ses') })));
  const [row] = await store.select().from(approvalGrants).where(eq(approvalGrants.id, id));
  expect(row).toMatchObject({ uses: 11, lastUsedAt: expect.any(Date) });
});

test.each<[string, Partial<HoldRequest>]>([
  ['another shape', { shape: 'other' }],
  ['no shape', { shape: '' }],
  ['another principal', { principalId: 'prn_y' }],
  ['another owner', { ownerId: 'prn_p' }],
  ['no owner', { ownerId: null }],
  ['another connection', { connectionName: 'other' }],
  ['another rule', { rule: 'stricter' }],
  ['another policy', { policyVersion: 8 }],
])('it does not cover %s', async (_, changed) => {
  await grant();
  await grant({ shape: '' });
  expect(await takeGrant(store, { ...request, ...changed })).toBeNull();
});

test('neither revoked, nor over, nor in another session', async () => {
  await grant({ revokedAt: new Date(), revokedBy: 'ana' });
  await grant({ expiresAt: new Date(Date.now() - 1_000) });
  await grant({ sessionId: 'ses_2' });
  expect(await takeGrant(store, request)).toBeNull();
  const id = await grant({ sessionId: 'ses_1', expiresAt: new Date(Date.now() + 60_000) });
  expect((await takeGrant(store, request))?.id).toBe(id);
});

test('what is revoked while a statement waits for its row is not used', async () => {
  const id = await grant();
  let taking: Promise<unknown> = Promise.resolve();
  await store.transaction(async (tx) => {
    await tx.update(approvalGrants).set({ revokedAt: sql`now()` }).where(eq(approvalGrants.id, id));
    taking = takeGrant(store, request);
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
  expect(await taking).toBeNull();
});

test('a break-glass is on record before it runs', async () => {
  await announceBreakGlass(store, { ...request, ownerName: 'ana', reviewerGroups: ['dba'], reason: 'INC-42' });
  const rows = await store.select().from(actions).where(eq(actions.subject, request.statementId));
  expect(rows).toMatchObject([{ action: 'breakGlass.used', actorName: 'bot', after: { reason: 'INC-42', rule: 'review-deletes' } }]);
});
