import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { approvalRequests } from '../../db/schema/approvals';
import { actions } from '../../db/schema/audit';
import { passkeys } from '../../db/schema/passkeys';
import { reviewersOf } from '../../proxy/approvals/claim';
import type { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { beginRegistration, registerPasskey } from '../passkeys/register';
import { type Lies, type SoftAuthenticator, softAuthenticator } from '../passkeys/testing';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { approveRequest, confirmApproval } from './approve';
import { getRequest } from './get';
import { rejectRequest } from './reject';

const PARTY = { rpId: 'gatehouse.example.com', origin: 'https://gatehouse.example.com' };

let db: TestStore;
type Person = Call & { actor: { id: string; name: string } };
let ana: Person;
let bo: Person;
let cy: Person;
let boKey: SoftAuthenticator;
let cyKey: SoftAuthenticator;
let boPasskey: string;

beforeAll(async () => {
  db = await withStore();
  setRuntime({
    ...{ store: db.store, storeUrl: db.url, secretKey: db.secretKey, dataDir: '/nowhere', gatewayId: 'gw_test' },
    consoleUrl: PARTY.origin,
  });
  const person = async (name: string): Promise<Person> => ({ ...(await db.as('reviewer', { name })), browser: `${name} 1` });
  [ana, bo, cy] = [await person('ana'), await person('bo'), await person('cy')];
  boKey = softAuthenticator(PARTY);
  cyKey = softAuthenticator(PARTY);
  boPasskey = (await registerPasskey(bo, { name: 'Laptop', response: boKey.create(await beginRegistration(bo, {})) })).id;
  await registerPasskey(cy, { name: 'Phone', response: cyKey.create(await beginRegistration(cy, {})) });
});
afterAll(() => db.close());
beforeEach(() => db.store.delete(approvalRequests));

async function hold(overrides: Partial<typeof approvalRequests.$inferInsert> = {}): Promise<string> {
  const id = newId('req');
  await db.store.insert(approvalRequests).values({
    ...{ id, statementId: newId('stm'), sessionId: newId('ses'), gatewayId: 'gw_1', workerId: 'w1' },
    ...{ principalId: 'prn_bot', principalName: 'bot', connectionName: 'shop', sql: 'DELETE FROM orders WHERE id = 1' },
    ...{ parameters: [], digest: `digest of ${id}`, kind: 'DELETE', effects: ['delete'], relations: [], rule: 'review-deletes' },
    ...{ why: 'DELETE is reviewed', tried: [], transactionStatus: 'I', reviewerGroups: [], required: 1, passkey: true, shape: 's' },
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
const actionsOf = (id: string) => db.store.select().from(actions).where(eq(actions.subject, id)).orderBy(actions.id);

describe('a request whose rule asks for a passkey', () => {
  test('is approved with one, and the record says with which', async () => {
    const id = await hold();
    expect((await getRequest(bo, { id })).passkey).toEqual({ own: 1, origin: PARTY.origin, whyNot: null });
    const options = await confirmApproval(bo, { id, reason: 'INC-42' });
    expect(options).toMatchObject({ rpId: 'gatehouse.example.com', userVerification: 'required' });
    expect(options.allowCredentials).toEqual([{ id: boKey.credentialId, type: 'public-key', transports: ['internal'] }]);
    const detail = await approveRequest(bo, { id, reason: 'INC-42', confirmation: boKey.get(options) });
    const passkey = { id: boPasskey, name: 'Laptop' };
    expect(detail).toMatchObject({ status: 'approved', decisions: [{ reviewerName: 'bo', passkey }] });
    expect(await actionsOf(id)).toMatchObject([{ action: 'request.approve', actorName: 'bo', after: { status: 'approved', passkey } }]);
    // What the desk hands to the statement's own entry.
    expect(await reviewersOf(db.store, id)).toEqual([{ name: 'bo', decision: 'approve', passkey: boPasskey }]);
  });

  test('is approved without one nowhere: not in the console, from the command line, nor in Slack', async () => {
    const id = await hold();
    const words = `FORBIDDEN: the rule asks for a passkey: approve it in the console, https://gatehouse.example.com/approvals/${id}. Rejecting needs none`;
    const { browser: _, ...without } = bo;
    for (const call of [
      bo,
      { ...without, actor: { ...bo.actor, via: 'cli' as const } },
      { ...without, actor: { ...bo.actor, via: 'slack' as const } },
    ])
      expect(await refused(approveRequest(call, { id }))).toBe(words);
    // A token has no browser to which a challenge could be bound.
    expect(await refused(confirmApproval(without, { id }))).toMatch(/^FORBIDDEN: passkeys are used in the console/);
    expect(await statusOf(id)).toBe('pending');
  });

  test('is rejected without one', async () => {
    const id = await hold();
    expect((await rejectRequest(bo, { id, reason: 'no' })).status).toBe('rejected');
  });

  test('tells a reviewer who has none where to get one', async () => {
    const id = await hold();
    expect((await getRequest(ana, { id })).passkey).toMatchObject({ own: 0 });
    expect(await refused(confirmApproval(ana, { id }))).toBe(
      'FORBIDDEN: you have no passkey: register one at https://gatehouse.example.com/account',
    );
  });

  test('asks nobody to confirm what they may not decide', async () => {
    expect(await refused(confirmApproval(bo, { id: await hold({ principalId: bo.actor.id }) }))).toMatch(/you asked for this yourself/);
    expect(await refused(confirmApproval(bo, { id: await hold({ status: 'withdrawn' }) }))).toMatch(/^CONFLICT: withdrawn/);
  });

  test('needs one of each of several reviewers', async () => {
    const id = await hold({ required: 2 });
    await approveRequest(bo, { id, confirmation: boKey.get(await confirmApproval(bo, { id })) });
    expect(await refused(approveRequest(cy, { id }))).toMatch(/asks for a passkey/);
    expect((await approveRequest(cy, { id, confirmation: cyKey.get(await confirmApproval(cy, { id })) })).status).toBe('approved');
    expect((await reviewersOf(db.store, id)).map(({ name, passkey }) => [name, passkey !== undefined])).toEqual([
      ['bo', true],
      ['cy', true],
    ]);
  });

  test.each<[string, Lies, RegExp]>([
    ['a tampered signature', { tamper: 'signature' }, /not the passkey’s|cannot be verified/],
    ['tampered client data', { tamper: 'clientData' }, /not the passkey’s/],
    ['another origin', { origin: 'https://evil.example.com' }, /another origin/],
    ['another host', { rpId: 'evil.example.com' }, /another host name/],
    ['nobody verified', { userVerified: false }, /person was not verified/],
    ['a counter that went back', { counter: 0 }, /copy/],
  ])('is not approved with %s, and that is recorded', async (_, lies, why) => {
    const id = await hold();
    const confirmation = boKey.get(await confirmApproval(bo, { id }), lies);
    expect(await refused(approveRequest(bo, { id, confirmation }))).toMatch(why);
    expect(await statusOf(id)).toBe('pending');
    expect(await actionsOf(id)).toMatchObject([
      { action: 'passkey.refused', actorName: 'bo', after: { for: 'approve', reason: expect.stringMatching(why) } },
    ]);
  });

  test('is approved by a signature for it alone: this request and text, this scope and reason, this person and browser', async () => {
    const id = await hold();
    const approved = { id, reason: 'INC-42', scope: { kind: 'once' } };
    const signed = async (call: Person = bo, input: object = approved) => boKey.get(await confirmApproval(call, input));
    const notFor = /challenge is not for this browser and purpose/;
    expect(await refused(approveRequest(bo, { ...approved, confirmation: await signed(bo, { ...approved, id: await hold() }) }))).toMatch(
      notFor,
    );
    const minutes = { kind: 'minutes', minutes: 60 };
    expect(await refused(approveRequest(bo, { ...approved, scope: minutes, confirmation: await signed() }))).toMatch(notFor);
    expect(await refused(approveRequest(bo, { ...approved, scope: { kind: 'session' }, confirmation: await signed() }))).toMatch(notFor);
    const five = await signed(bo, { ...approved, scope: { kind: 'minutes', minutes: 5 } });
    expect(await refused(approveRequest(bo, { ...approved, scope: minutes, confirmation: five }))).toMatch(notFor);
    expect(await refused(approveRequest(bo, { ...approved, reason: 'another', confirmation: await signed() }))).toMatch(notFor);
    expect(await refused(approveRequest({ ...bo, browser: 'bo 2' }, { ...approved, confirmation: await signed() }))).toMatch(notFor);
    // What was shown is not what stands there now.
    const shown = await signed();
    await db.store.update(approvalRequests).set({ digest: 'another text' }).where(eq(approvalRequests.id, id));
    expect(await refused(approveRequest(bo, { ...approved, confirmation: shown }))).toMatch(notFor);
    expect(await statusOf(id)).toBe('pending');
    expect((await approveRequest(bo, { ...approved, confirmation: await signed() })).status).toBe('approved');
  });

  test('takes a signature once, and only of one’s own passkey', async () => {
    const [first, second] = [await hold({ required: 2 }), await hold()];
    const confirmation = boKey.get(await confirmApproval(bo, { id: first }));
    await approveRequest(bo, { id: first, confirmation });
    await db.store.update(approvalRequests).set({ required: 1 });
    expect(await refused(approveRequest(bo, { id: first, confirmation }))).toMatch(/answered before/);
    expect(await refused(approveRequest(bo, { id: second, confirmation }))).toMatch(/answered before/);
    const ofAnother = cyKey.get(await confirmApproval(bo, { id: second }));
    expect(await refused(approveRequest(bo, { id: second, confirmation: ofAnother }))).toMatch(/another person’s/);
    const handedOver = cyKey.get(await confirmApproval(bo, { id: second }));
    expect(await refused(approveRequest(cy, { id: second, confirmation: handedOver }))).toMatch(/not for this browser/);
    expect(await statusOf(second)).toBe('pending');
  });

  test('a passkey that was removed meanwhile confirms nothing', async () => {
    const id = await hold();
    const confirmation = cyKey.get(await confirmApproval(cy, { id }));
    await db.store.delete(passkeys).where(eq(passkeys.principalId, cy.actor.id));
    expect(await refused(approveRequest(cy, { id, confirmation }))).toMatch(/not known here/);
  });
});

test('where nothing asks for a passkey none is needed, and one that is given has to be right', async () => {
  expect((await approveRequest(ana, { id: await hold({ passkey: false }) })).status).toBe('approved');
  const id = await hold({ passkey: false });
  expect((await getRequest(bo, { id })).passkey).toBeNull();
  expect(await refused(approveRequest(bo, { id, confirmation: {} }))).toMatch(/^INVALID/);
  const wrong = boKey.get(await confirmApproval(bo, { id }), { origin: 'https://evil.example.com' });
  expect(await refused(approveRequest(bo, { id, confirmation: wrong }))).toMatch(/another origin/);
  expect(await statusOf(id)).toBe('pending');
  expect((await approveRequest(bo, { id, confirmation: boKey.get(await confirmApproval(bo, { id })) })).status).toBe('approved');
});
