import { eq, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { accessRequests } from '../../db/schema/accessRequests';
import { actions } from '../../db/schema/audit';
import { principals } from '../../db/schema/identity';
import { notificationChannels, notificationDeliveries } from '../../db/schema/notifications';
import { connections, policyState } from '../../db/schema/policy';
import { mayConnect } from '../../proxy/identity/signIn';
import { loadPolicy } from '../../proxy/policy/snapshot';
import { listConnections } from '../connections/list';
import { saveConnection } from '../connections/save';
import type { ServiceError } from '../errors';
import { saveChannel } from '../notifications/save';
import { type TestStore, withStore } from '../testing';
import { approveAccess, rejectAccess } from './decide';
import { endAccess } from './end';
import { getAccessRequest, listAccessRequests, listRequestable } from './list';
import { requestAccess } from './request';
import { sweepAccess } from './sweep';

const HOUR = 3_600_000;

let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let ana: Caller;
let bo: Caller;
let cy: Caller;
let agent: Caller;
let stranger: Caller;

beforeAll(async () => {
  db = await withStore();
  ana = await db.as('admin', { name: 'ana', groups: ['dba'] });
  bo = await db.as('reviewer', { name: 'bo', groups: ['dba'] });
  cy = await db.as('reviewer', { name: 'cy', groups: ['dba'] });
  await db.as('reviewer', { name: 'sec', groups: ['security'] });
  agent = await db.as('member', { name: 'support-bot', kind: 'agent', ownerId: ana.actor.id, groups: ['agents'] });
  stranger = await db.as('member', { name: 'stranger' });
  await connection('prod', { groups: ['dba'], count: 1, maxDurationMs: 8 * HOUR });
  await connection('ledger', { groups: ['dba'], count: 2, maxDurationMs: HOUR });
  await connection('vault', null);
  await saveChannel(ana, { name: 'all', target: { kind: 'webhook', url: 'http://127.0.0.1:9/' }, events: ACCESS_EVENTS });
});
afterAll(() => db.close());
afterEach(async () => {
  await db.store.delete(accessRequests);
  await db.store.delete(notificationDeliveries);
});

const ACCESS_EVENTS = ['requested', 'progress', 'approved', 'rejected', 'expired', 'withdrawn', 'revoked', 'ended'].map(
  (word) => `access.${word}`,
);

const connection = (name: string, requestable: object | null) =>
  saveConnection(ana, { name, host: '127.0.0.1', port: 5432, database: name, username: 'app', tls: 'disable', requestable });

const ask = async (caller: Caller = agent, more: object = {}) =>
  (await requestAccess(caller, { connection: 'prod', durationMs: HOUR, reason: 'INC-42', ...more })).id;

const refused = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => null,
    (thrown: ServiceError) => thrown,
  );
  if (error === null) throw new Error('it was not refused');
  return `${error.code}: ${error.message}`;
};

/** As a worker decides it: by the policy it loads. */
const connects = async (caller: Caller, name = 'prod', at = new Date()) =>
  mayConnect((await loadPolicy(db.store)).access, caller.actor, name, at);

const told = async (id: string) =>
  (
    await db.store.select().from(notificationDeliveries).where(eq(notificationDeliveries.subject, id)).orderBy(notificationDeliveries.seq)
  ).map(({ event }) => event);
const recorded = async (id: string) =>
  (await db.store.select().from(actions).where(eq(actions.subject, id)).orderBy(actions.at)).map(
    ({ actorName, action }) => `${actorName} ${action}`,
  );
const versions = async () => (await db.store.select().from(policyState))[0];

describe('asking', () => {
  test('an approved request gives that principal that connection for that time, and nothing else', async () => {
    expect(await connects(agent)).toBe(false);
    const before = await versions();
    const id = await ask();
    expect(await connects(agent)).toBe(false);
    const detail = await approveAccess(bo, { id });
    expect(detail).toMatchObject({ status: 'approved', approvals: 1, grantedUntil: expect.any(Date) });
    expect(Math.abs((detail.grantedUntil?.getTime() ?? 0) - Date.now() - HOUR)).toBeLessThan(5_000);
    expect(await connects(agent)).toBe(true);
    expect(await connects(agent, 'ledger')).toBe(false);
    expect(await connects(stranger)).toBe(false);
    // The very moment it ends it has ended.
    expect(await connects(agent, 'prod', detail.grantedUntil ?? new Date(0))).toBe(false);
    expect(await connects(agent, 'prod', new Date((detail.grantedUntil?.getTime() ?? 0) - 1))).toBe(true);
    expect((await listConnections(agent)).map(({ name }) => name)).toEqual(['prod']);
    const after = await versions();
    // Approvals that are bound to the policy's version stay bound to it.
    expect(after?.version).toBe(before?.version);
    expect(after?.accessVersion).toBe((before?.accessVersion ?? 0) + 1);
    expect(await told(id)).toEqual(['access.requested', 'access.approved']);
    expect(await recorded(id)).toEqual(['support-bot access.request', 'bo access.approve']);
  });

  test('takes as long as the connection allows, a reason, and one request at a time', async () => {
    expect(await refused(requestAccess(agent, { connection: 'prod', durationMs: 9 * HOUR, reason: 'x' }))).toBe(
      'INVALID: durationMs: at most 8h on prod',
    );
    expect(await refused(requestAccess(agent, { connection: 'prod', durationMs: HOUR, reason: '  ' }))).toMatch('INVALID: reason: say why');
    const id = await ask();
    expect(await refused(ask())).toBe(`CONFLICT: ${id} asks for this already and waits for a decision`);
    await approveAccess(bo, { id });
    expect(await refused(ask())).toBe('CONFLICT: support-bot has access to prod already');
  });

  test('a connection that cannot be asked for is answered like one that is not there', async () => {
    const words = (name: string) => `NOT_FOUND: connection ${name} does not exist, or access to it cannot be asked for`;
    expect(await refused(ask(agent, { connection: 'vault' }))).toBe(words('vault'));
    expect(await refused(ask(agent, { connection: 'nowhere' }))).toBe(words('nowhere'));
    expect((await listRequestable(stranger)).map(({ name, has }) => [name, has])).toEqual([
      ['ledger', false],
      ['prod', false],
    ]);
  });

  test('a hundred requests at once are one', async () => {
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => ask()));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await db.store.$count(accessRequests)).toBe(1);
  });
});

describe('deciding', () => {
  test('nobody decides their own or their agent’s, nor without role or group; agents decide nothing', async () => {
    const id = await ask();
    expect(await refused(approveAccess(ana, { id }))).toMatch(
      /^FORBIDDEN: support-bot acts for you, and nobody decides their own agent’s request\. Who can: bo, cy$/,
    );
    expect(await refused(approveAccess(agent, { id }))).toMatch('FORBIDDEN: only a person decides');
    expect(await refused(approveAccess(stranger, { id }))).toBe(`NOT_FOUND: access request ${id} does not exist`);
    const auditor = await db.as('auditor', { groups: ['dba'] });
    expect(await refused(approveAccess(auditor, { id }))).toMatch('FORBIDDEN: your role is auditor');
    const outside = await db.as('reviewer', { groups: ['other'] });
    expect(await refused(approveAccess(outside, { id }))).toMatch('FORBIDDEN: prod asks for a reviewer in group dba');
    const own = await ask(bo);
    expect(await refused(approveAccess(bo, { id: own }))).toMatch('FORBIDDEN: you asked for this yourself');
    expect(await connects(agent)).toBe(false);
    expect(await connects(bo)).toBe(false);
  });

  test('k of n are distinct persons, and a hundred approvals at once are counted right', async () => {
    const id = await ask(agent, { connection: 'ledger' });
    expect(await approveAccess(bo, { id })).toMatchObject({ status: 'pending', approvals: 1 });
    expect(await refused(approveAccess(bo, { id }))).toMatch('CONFLICT: you have approved this');
    expect(await connects(agent, 'ledger')).toBe(false);
    const racing = await Promise.allSettled(Array.from({ length: 50 }, () => approveAccess(cy, { id })));
    expect(racing.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await connects(agent, 'ledger')).toBe(true);
    expect(await told(id)).toEqual(['access.requested', 'access.progress', 'access.approved']);
  });

  test('two approvals at once count each other', async () => {
    for (let round = 0; round < 8; round++) {
      const id = await ask(agent, { connection: 'ledger' });
      await Promise.all([approveAccess(bo, { id }), approveAccess(cy, { id })]);
      expect((await getAccessRequest(agent, { id })).status).toBe('approved');
      await db.store.delete(accessRequests);
    }
  });

  test('a rejection ends it; a late decision is a conflict that says who and when', async () => {
    const id = await ask();
    expect(await refused(rejectAccess(bo, { id, reason: '' }))).toMatch('INVALID: reason: say why');
    expect(await rejectAccess(bo, { id, reason: 'use the replica' })).toMatchObject({ status: 'rejected' });
    expect(await refused(approveAccess(cy, { id }))).toMatch(/^CONFLICT: already rejected by bo/);
    expect((await getAccessRequest(agent, { id })).decisions).toMatchObject([{ reviewerName: 'bo', reason: 'use the replica' }]);
    expect(await told(id)).toEqual(['access.requested', 'access.rejected']);
    await ask();
  });

  test('nobody decides in time: it has expired, whether or not the sweep was there', async () => {
    const id = await ask();
    await db.store.update(accessRequests).set({ expiresAt: new Date(Date.now() - 5_000) });
    expect((await getAccessRequest(agent, { id })).status).toBe('expired');
    expect(await refused(approveAccess(bo, { id }))).toMatch(/^CONFLICT: expired 5 s ago; no access was given/);
    await sweepAccess(db.store);
    await sweepAccess(db.store);
    expect(await told(id)).toEqual(['access.requested', 'access.expired']);
  });

  test('an owner who lost a group or was disabled decides nothing more', async () => {
    const id = await ask();
    const gone = await db.as('reviewer', { groups: ['dba'] });
    await db.store.update(principals).set({ disabledAt: new Date() }).where(eq(principals.id, gone.actor.id));
    expect((await getAccessRequest(agent, { id })).mayDecide.who).toEqual(['bo', 'cy']);
  });
});

describe('ending', () => {
  test('a reviewer takes access back, whoever has it gives it back, and both are told of', async () => {
    const id = await ask();
    await approveAccess(bo, { id });
    expect(await refused(endAccess(stranger, { id }))).toMatch('NOT_FOUND');
    const before = await versions();
    expect(await endAccess(cy, { id })).toMatchObject({ status: 'revoked', endedBy: 'cy' });
    expect(await connects(agent)).toBe(false);
    expect((await versions())?.accessVersion).toBe((before?.accessVersion ?? 0) + 1);
    expect(await refused(endAccess(cy, { id }))).toMatch('CONFLICT: access was taken back by cy');
    expect(await told(id)).toEqual(['access.requested', 'access.approved', 'access.revoked']);
    expect(await recorded(id)).toContain('cy access.revoke');
    const second = await ask();
    await approveAccess(bo, { id: second });
    expect(await endAccess(agent, { id: second })).toMatchObject({ status: 'revoked', endedBy: 'support-bot' });
  });

  test('only whoever asked, or their owner, withdraws what waits', async () => {
    const id = await ask();
    expect(await refused(endAccess(bo, { id }))).toMatch('FORBIDDEN: only whoever asked withdraws');
    expect(await endAccess(ana, { id })).toMatchObject({ status: 'withdrawn' });
    expect(await refused(approveAccess(bo, { id }))).toMatch('CONFLICT: withdrawn by ana');
  });

  test('access that ran out is ended once, and told of once', async () => {
    const id = await ask();
    await approveAccess(bo, { id });
    await db.store.update(accessRequests).set({ grantedUntil: new Date(Date.now() - 1_000) });
    expect(await connects(agent)).toBe(false);
    await Promise.all([sweepAccess(db.store), sweepAccess(db.store), sweepAccess(db.store)]);
    expect(await told(id)).toEqual(['access.requested', 'access.approved', 'access.ended']);
    expect((await listAccessRequests(agent, { status: 'active' })).items).toEqual([]);
    expect((await listAccessRequests(agent, { status: 'ended' })).items.map((row) => row.id)).toEqual([id]);
  });

  test('a connection that is removed takes its access with it, and another of its name has none', async () => {
    const { id: connectionId } = await connection('temp', { groups: [], count: 1, maxDurationMs: HOUR });
    const id = await ask(agent, { connection: 'temp' });
    await approveAccess(bo, { id });
    expect(await connects(agent, 'temp')).toBe(true);
    await db.store.delete(connections).where(eq(connections.id, connectionId));
    await connection('temp', { groups: [], count: 1, maxDurationMs: HOUR });
    expect(await connects(agent, 'temp')).toBe(false);
    expect((await getAccessRequest(agent, { id })).status).toBe('ended');
    await sweepAccess(db.store);
    expect(await told(id)).toContain('access.ended');
    await db.store.delete(connections).where(sql`name = 'temp'`);
  });

  test('a member sees their own and their agents’, a reviewer all', async () => {
    const mine = await ask();
    const theirs = await ask(stranger);
    const ids = async (caller: Caller) => (await listAccessRequests(caller, { status: 'open' })).items.map(({ id }) => id).sort();
    expect(await ids(agent)).toEqual([mine]);
    expect(await ids(bo)).toEqual([mine, theirs].sort());
    expect(await refused(getAccessRequest(agent, { id: theirs }))).toMatch('NOT_FOUND');
  });

  test('without a channel nothing is queued', async () => {
    await db.store.delete(notificationChannels);
    const id = await ask(agent, { reason: newId('act') });
    expect(await told(id)).toEqual([]);
  });
});
