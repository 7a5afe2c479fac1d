import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { migrateStore } from '../../db/migrate';
import { approvalRequests } from '../../db/schema/approvals';
import { sessions, statements } from '../../db/schema/audit';
import type { ApprovalStatus, StatementStatus } from '../../db/schema/shapes';
import { type OpenStore, openStore } from '../../db/store';
import { recordStatements, type TestStatement } from '../audit/testing';
import { closeLeftovers } from './leftovers';

let database: TestDatabase;
let store: OpenStore;
const secretKey = Buffer.alloc(32, 1);
const past = new Date(Date.now() - 60_000);

beforeAll(async () => {
  database = await withPostgres();
  await migrateStore(database.url);
  store = openStore(database.url, { max: 3, applicationName: 'leftovers test' });
  await addSession('ses_mine1', 'gw_mine', 'w1');
  await addSession('ses_mine2', 'gw_mine', 'w2');
  await addSession('ses_other', 'gw_other', 'w1');
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

const record = (statement: TestStatement) => recordStatements({ store: store.store, url: database.url, secretKey }, [statement]);

async function addSession(id: string, gatewayId: string, workerId: string, at = past) {
  const who = { principalId: 'prn_x', principalName: 'bot', connectionName: 'shop' };
  const text = { sql: 'DELETE FROM t', parameters: [], kind: 'DELETE', effects: [], relations: [], tried: [] };
  await store.store.insert(sessions).values({ id, gatewayId, workerId, ...who, clientAddress: '127.0.0.1', startedAt: at });
  for (const status of ['pending', 'approved', 'rejected', 'executed'] satisfies ApprovalStatus[]) {
    const of = {
      id: `req_${id}_${status}`,
      statementId: 'stm_x',
      sessionId: id,
      gatewayId,
      workerId,
      createdAt: at,
      expiresAt: new Date(),
      digest: '',
    };
    const review = { rule: 'r', why: 'w', transactionStatus: 'I' as const, reviewerGroups: [], required: 1, status };
    await store.store.insert(approvalRequests).values({ ...of, ...who, ...text, ...review });
  }
  for (const status of ['running', 'held', 'done', 'denied'] satisfies StatementStatus[]) {
    await record({ id: `stm_${id}_${status}`, sessionId: id, status, at });
  }
}

/** What is left of a session, as `its end, its requests, its statements`. */
async function stateOf(id: string) {
  const [session] = (await store.store.select().from(sessions)).filter((row) => row.id === id);
  const requests = (await store.store.select().from(approvalRequests))
    .filter((row) => row.sessionId === id)
    .map((row) => (row.waiting ? row.status : `${row.status}, unclaimed`));
  const told = (await store.store.select().from(statements)).filter((row) => row.sessionId === id).map((row) => row.status);
  return { end: session?.endReason ?? 'open', requests: requests.sort(), statements: told.sort() };
}

const untouched = {
  end: 'open',
  requests: ['approved', 'executed', 'pending', 'rejected'],
  statements: ['denied', 'done', 'held', 'running'],
};

test('a dead worker closes its own; other workers, other gateways and its successor are left alone', async () => {
  const diedAt = new Date();
  await addSession('ses_successor', 'gw_mine', 'w1', new Date(Date.now() + 5_000));
  const closed = await closeLeftovers(store.store, { gatewayId: 'gw_mine', workerId: 'w1', before: diedAt, reason: 'worker died' });
  expect(closed).toEqual({ sessions: 1, requests: 2 });
  expect(await stateOf('ses_mine1')).toEqual({
    end: 'worker died',
    requests: ['approved, unclaimed', 'executed', 'pending, unclaimed', 'rejected'],
    statements: ['denied', 'done', 'unknown', 'withdrawn'],
  });
  for (const id of ['ses_mine2', 'ses_other', 'ses_successor']) expect(await stateOf(id)).toEqual(untouched);
});

test('a gateway that starts closes all of its own that a killed one left, and nothing of another gateway', async () => {
  const later = new Date(Date.now() + 10_000);
  await closeLeftovers(store.store, { gatewayId: 'gw_mine', before: later, reason: 'gateway restarted' });
  for (const id of ['ses_mine2', 'ses_successor']) expect((await stateOf(id)).end).toBe('gateway restarted');
  expect(await stateOf('ses_mine1')).toMatchObject({ end: 'worker died' });
  expect(await stateOf('ses_other')).toEqual(untouched);
});

test('entries of its journal that are copied only later are closed too', async () => {
  await record({ id: 'stm_late', sessionId: 'ses_mine1', status: 'running', at: past });
  await closeLeftovers(store.store, { gatewayId: 'gw_mine', workerId: 'w1', before: new Date(), reason: 'worker died' });
  expect((await stateOf('ses_mine1')).statements).toEqual(['denied', 'done', 'unknown', 'unknown', 'withdrawn']);
});
