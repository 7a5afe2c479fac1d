import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { queueRequestEvent } from '../../db/notifications/queue';
import { slackStandIn } from '../../db/notifications/standIns/slack';
import { approvalDecisions, approvalRequests } from '../../db/schema/approvals';
import { actions } from '../../db/schema/audit';
import { principals } from '../../db/schema/identity';
import { notificationChannels, notificationDeliveries, slackInteractions } from '../../db/schema/notifications';
import { approveRequest } from '../approvals/approve';
import { type HttpServer, listenHttp } from '../http';
import { startDeliveries } from '../notifications/loop';
import { saveChannel } from '../notifications/save';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { createSlackHandler } from './interactions';
import { isFromSlack } from './verify';

const TOKEN = 'xoxb-canary-token-1234567890';
const SIGNING = 'abcdef0123456789abcdef0123456789';
const CANARY = 'canary-4711-0815';

let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let ana: Caller;
let bo: Caller;
let agent: Caller;
let http: HttpServer;
let slack: Awaited<ReturnType<typeof slackStandIn>>;
let loop: { stop(): Promise<void> };

const email = (caller: Caller, address: string | null) =>
  db.store.update(principals).set({ email: address, slackUserId: null }).where(eq(principals.id, caller.actor.id));

beforeAll(async () => {
  db = await withStore();
  ana = await db.as('admin', { name: 'ana', groups: ['dba'] });
  bo = await db.as('reviewer', { name: 'bo', groups: ['dba'] });
  await db.as('reviewer', { name: 'cy', groups: ['dba'] });
  agent = await db.as('member', { name: 'support-bot', kind: 'agent', ownerId: ana.actor.id });
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await http.close();
  await db.close();
});
beforeEach(async () => {
  slack = await slackStandIn({ token: TOKEN, signingSecret: SIGNING });
  http.routes.slack = createSlackHandler({ store: db.store, secretKey: db.secretKey, slackApiUrl: slack.apiUrl });
  await saveChannel(ana, {
    name: 'slack',
    target: { kind: 'slack', channel: 'C0APPROVALS', botToken: TOKEN, signingSecret: SIGNING },
    events: ['request.filed'],
  });
  loop = await startDeliveries({
    store: db.store,
    storeUrl: db.url,
    secretKey: db.secretKey,
    gatewayId: 'gw_test',
    consoleUrl: 'https://gatehouse.example.com',
    slackApiUrl: slack.apiUrl,
    firstDelayMs: 40,
  });
  await email(ana, 'ana@example.com');
  await email(bo, 'bo@example.com');
  slack.users.set('U0ANA0001', { id: 'U0ANA0001', email: 'ana@example.com' });
  slack.users.set('U0BO00001', { id: 'U0BO00001', email: 'Bo@Example.com' });
});
afterEach(async () => {
  await loop.stop();
  await slack.close();
  await db.store.delete(notificationChannels);
  await db.store.delete(approvalRequests);
  await db.store.delete(slackInteractions);
});

async function file(overrides: Partial<typeof approvalRequests.$inferInsert> = {}): Promise<{ id: string; ts: string }> {
  const id = newId('req');
  const before = slack.messages.size;
  await db.store.transaction(async (tx) => {
    await tx.insert(approvalRequests).values({
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
      sql: `DELETE FROM orders WHERE email = '${CANARY}'`,
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
      requesterReason: '<!channel> *look* <https://evil.example.com|here> ```',
      expiresAt: new Date(Date.now() + 60_000),
      ...overrides,
    });
    await queueRequestEvent(tx, 'request.filed', id);
  });
  await until(() => slack.messages.size > before);
  return { id, ts: [...slack.messages.keys()].at(-1) ?? '' };
}

const until = async (what: () => boolean | Promise<boolean>) => {
  for (const endMs = Date.now() + 5_000; Date.now() < endMs; await new Promise((resolve) => setTimeout(resolve, 15)))
    if (await what()) return;
  throw new Error(
    `it did not come to pass: ${JSON.stringify(slack.calls)} ${JSON.stringify(slack.ephemeral)} ${JSON.stringify(await db.store.select({ error: notificationDeliveries.lastError }).from(notificationDeliveries))}`,
  );
};

const send = (request: { body: string; headers: Record<string, string> }) =>
  fetch(`http://127.0.0.1:${http.port}/api/slack/interactions`, { method: 'POST', ...request });

const statusOf = async (id: string) =>
  (await db.store.select({ status: approvalRequests.status }).from(approvalRequests).where(eq(approvalRequests.id, id)))[0]?.status;
const buttons = (ts: string) =>
  slack.messages.get(ts)?.content.blocks.flatMap((block) => (block.type === 'actions' ? block.elements.map(({ text }) => text.text) : []));

test('Approve decides as the person with the verified mail address, and the message is updated', async () => {
  const { id, ts } = await file();
  expect(buttons(ts)).toEqual(['Approve', 'Reject', 'Open in Gatehouse']);
  const started = performance.now();
  const answer = await send(slack.signed(slack.press('U0BO00001', ts, 'Approve')));
  expect(answer.status).toBe(200);
  expect(performance.now() - started).toBeLessThan(3_000);
  expect(await answer.text()).toBe('');
  expect(await statusOf(id)).toBe('approved');
  expect(await db.store.select().from(approvalDecisions)).toMatchObject([{ requestId: id, reviewerName: 'bo', decision: 'approve' }]);
  expect(await db.store.select().from(actions).where(eq(actions.subject, id))).toMatchObject([{ actorName: 'bo', via: 'slack' }]);
  await until(() => buttons(ts)?.length === 1);
  expect(slack.messages.get(ts)?.content.text).toContain('Approved by bo');
  expect(slack.messages.size).toBe(1);
  expect(slack.ephemeral).toEqual([]);
});

test('nothing that people or programs wrote is markup, and no literal is in the message', async () => {
  const { ts } = await file({ principalName: '<!here>' });
  const { content } = slack.messages.get(ts) ?? {};
  expect(content?.text).toContain('&lt;!here&gt;');
  expect(content?.text).not.toContain('<!');
  expect(JSON.stringify(content)).not.toContain('"mrkdwn"');
  expect(JSON.stringify(content)).not.toContain(CANARY);
});

test('Reject asks for the reason, and the reason reaches the client', async () => {
  const { id, ts } = await file();
  expect((await send(slack.signed(slack.press('U0BO00001', ts, 'Reject')))).status).toBe(200);
  expect(await statusOf(id)).toBe('pending');
  const answer = await send(slack.signed(slack.submit('U0BO00001', 'not on a Friday')));
  expect(await answer.text()).toBe('');
  expect(await statusOf(id)).toBe('rejected');
  expect(await db.store.select().from(approvalDecisions)).toMatchObject([{ decision: 'reject', reason: 'not on a Friday' }]);
  await until(() => buttons(ts)?.length === 1);
});

test('a rejection that the verb refuses says so in the form', async () => {
  const { id, ts } = await file();
  await send(slack.signed(slack.press('U0ANA0001', ts, 'Reject')));
  const answer = await send(slack.signed(slack.submit('U0ANA0001', 'no')));
  expect(await answer.json()).toEqual({
    response_action: 'errors',
    errors: { reason: expect.stringContaining('nobody decides their own agent’s request') },
  });
  const empty = await send(slack.signed(slack.submit('U0BO00001', '   ')));
  expect(await empty.json()).toMatchObject({ response_action: 'errors', errors: { reason: expect.stringContaining('say why') } });
  expect(await statusOf(id)).toBe('pending');
});

test.each<[string, string, () => Promise<unknown>]>([
  [
    'the agent’s owner',
    'nobody decides their own agent’s request',
    async () => slack.users.set('U0X000001', { id: 'U0X000001', email: 'ana@example.com' }),
  ],
  [
    'somebody without a principal',
    'does not know you',
    async () => slack.users.set('U0X000001', { id: 'U0X000001', email: 'eve@example.com' }),
  ],
  [
    'an address that Slack has not verified',
    'no verified mail address',
    async () => slack.users.set('U0X000001', { id: 'U0X000001', email: 'bo@example.com', confirmed: false }),
  ],
  [
    'a guest of the workspace',
    'no verified mail address',
    async () => slack.users.set('U0X000001', { id: 'U0X000001', email: 'bo@example.com', guest: true }),
  ],
  [
    'a member of another workspace',
    'another workspace',
    async () => slack.users.set('U0X000001', { id: 'U0X000001', email: 'bo@example.com', teamId: 'T0OTHER' }),
  ],
  [
    'an address two principals have',
    'More than one principal',
    async () => {
      slack.users.set('U0X000001', { id: 'U0X000001', email: 'bo@example.com' });
      await email(ana, 'bo@example.com');
    },
  ],
  [
    'a reviewer who was disabled',
    'does not know you',
    async () => {
      slack.users.set('U0X000001', { id: 'U0X000001', email: 'dis@example.com' });
      const gone = await db.as('reviewer', { groups: ['dba'] });
      await db.store.update(principals).set({ email: 'dis@example.com', disabledAt: new Date() }).where(eq(principals.id, gone.actor.id));
    },
  ],
  [
    'a reviewer of other groups',
    'group dba',
    async () => {
      slack.users.set('U0X000001', { id: 'U0X000001', email: `out-${Date.now()}@example.com` });
      const other = await db.as('reviewer', { groups: ['other'] });
      await db.store
        .update(principals)
        .set({ email: slack.users.get('U0X000001')?.email ?? null })
        .where(eq(principals.id, other.actor.id));
    },
  ],
  [
    'a member',
    'does not exist',
    async () => {
      slack.users.set('U0X000001', { id: 'U0X000001', email: `mem-${Date.now()}@example.com` });
      const member = await db.as('member', { groups: ['dba'] });
      await db.store
        .update(principals)
        .set({ email: slack.users.get('U0X000001')?.email ?? null })
        .where(eq(principals.id, member.actor.id));
    },
  ],
])('%s decides nothing and is told why', async (_who, words, given) => {
  await given();
  const { id, ts } = await file();
  expect((await send(slack.signed(slack.press('U0X000001', ts, 'Approve')))).status).toBe(200);
  await until(() => slack.ephemeral.length === 1);
  expect(slack.ephemeral[0]).toMatchObject({ response_type: 'ephemeral', replace_original: false, text: expect.stringContaining(words) });
  expect(await statusOf(id)).toBe('pending');
  expect(buttons(ts)).toContain('Approve');
});

test('what asks for a passkey is not approved here: where is said to whoever presses the button of an older message', async () => {
  const runtime = { store: db.store, storeUrl: db.url, secretKey: db.secretKey, dataDir: '/nowhere', gatewayId: 'gw_test' };
  setRuntime({ ...runtime, consoleUrl: 'https://gatehouse.example.com' });
  const { id, ts } = await file();
  const press = slack.press('U0BO00001', ts, 'Approve');
  await db.store.update(approvalRequests).set({ passkey: true }).where(eq(approvalRequests.id, id));
  await send(slack.signed(press));
  await until(() => slack.ephemeral.length === 1);
  expect(slack.ephemeral[0]?.text).toContain(`approve it in the console, https://gatehouse.example.com/approvals/${id}`);
  expect(await statusOf(id)).toBe('pending');
});

test('a member ID on a principal counts more than a mail address', async () => {
  await db.store.update(principals).set({ slackUserId: 'U0BO00001' }).where(eq(principals.name, 'cy'));
  slack.users.set('U0IMPOSTOR', { id: 'U0IMPOSTOR', email: 'bo@example.com' });
  await db.store.update(principals).set({ slackUserId: 'U0REALBO1' }).where(eq(principals.id, bo.actor.id));
  const { id, ts } = await file();
  await send(slack.signed(slack.press('U0IMPOSTOR', ts, 'Approve')));
  await until(() => slack.ephemeral.length === 1);
  expect(await statusOf(id)).toBe('pending');
  await send(slack.signed(slack.press('U0BO00001', ts, 'Approve')));
  expect(await db.store.select().from(approvalDecisions)).toMatchObject([{ reviewerName: 'cy' }]);
  await db.store.update(principals).set({ slackUserId: null });
});

test('two of two: the first approval keeps the buttons, the second ends them; a late click says who was first', async () => {
  await db.store.update(principals).set({ slackUserId: 'U0CY00001' }).where(eq(principals.name, 'cy'));
  const { id, ts } = await file({ required: 2 });
  const late = slack.press('U0BO00001', ts, 'Approve');
  await send(slack.signed(slack.press('U0BO00001', ts, 'Approve')));
  await until(() => slack.messages.get(ts)?.content.text.includes('Approval 1 of 2') === true);
  expect(buttons(ts)).toContain('Approve');
  await send(slack.signed(slack.press('U0CY00001', ts, 'Approve')));
  expect(await statusOf(id)).toBe('approved');
  await send(slack.signed(late));
  await until(() => slack.ephemeral.length === 1);
  expect(slack.ephemeral[0]?.text).toMatch(/^Already approved by cy/);
  await db.store.update(principals).set({ slackUserId: null });
});

test('what Slack did not sign, signed too long ago, or sent before is refused and decides nothing', async () => {
  const { id, ts } = await file();
  const press = () => slack.press('U0BO00001', ts, 'Approve');
  const now = Math.floor(Date.now() / 1_000);
  const forged = slack.signed(press(), now, 'ffffffffffffffffffffffffffffffff');
  const changed = { ...slack.signed(press()), body: slack.signed(slack.press('U0BO00001', ts, 'Reject')).body };
  const unsigned = { body: slack.signed(press()).body, headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  for (const request of [forged, changed, unsigned, slack.signed(press(), now - 301), slack.signed(press(), now + 330)])
    expect((await send(request)).status).toBe(401);
  expect(await statusOf(id)).toBe('pending');
  expect((await fetch(`http://127.0.0.1:${http.port}/api/slack/interactions`)).status).toBe(405);

  const request = slack.signed(press());
  expect((await send(request)).status).toBe(200);
  expect((await send(request)).status).toBe(409);
  expect(await db.store.select().from(approvalDecisions)).toHaveLength(1);
});

test('what is none of ours is acknowledged and does nothing', async () => {
  await file();
  for (const payload of [
    { type: 'shortcut' },
    { type: 'view_submission', user: { id: 'U' }, view: { callback_id: 'other' } },
    { nonsense: true },
  ])
    expect((await send(slack.signed(payload))).status).toBe(200);
  expect((await send({ ...slack.signed({}), body: 'x'.repeat(300_000) })).status).toBe(413);
});

test('a message that Slack is slow to take, or that somebody removed, is sent again', async () => {
  slack.failNext({ status: 429, headers: { 'retry-after': '0' } }, { status: 200, body: '{"ok":false,"error":"internal_error"}' });
  const { id, ts } = await file();
  expect(slack.calls.filter((call) => call === 'chat.postMessage')).toHaveLength(3);
  slack.messages.delete(ts);
  await approveRequest(bo, { id });
  await until(() => slack.messages.size === 1);
  expect(buttons([...slack.messages.keys()][0] ?? '')).toEqual(['Open in Gatehouse']);
});

test('an app that lost its right is not asked without end, and its token is in no error', async () => {
  await db.store.update(notificationChannels).set({ config: { kind: 'slack', channel: 'C0NOTTHERE' } });
  const id = newId('req');
  await db.store.insert(approvalRequests).values({ ...(await requestRow()), id });
  await queueRequestEvent(db.store, 'request.filed', id);
  await until(async () => (await db.store.select().from(notificationDeliveries)).every(({ state }) => state === 'dead'));
  const [dead] = await db.store.select().from(notificationDeliveries);
  expect(dead).toMatchObject({ attempts: 1, lastError: 'Slack says channel_not_found' });
});

async function requestRow() {
  return {
    statementId: newId('stm'),
    sessionId: newId('ses'),
    gatewayId: 'gw_1',
    workerId: 'w1',
    principalId: agent.actor.id,
    principalName: 'support-bot',
    connectionName: 'shop',
    sql: 'SELECT 1',
    parameters: [],
    digest: 'd',
    kind: 'SELECT',
    effects: [],
    relations: [],
    rule: 'r',
    why: 'w',
    tried: [],
    transactionStatus: 'I' as const,
    reviewerGroups: [],
    required: 1,
    expiresAt: new Date(Date.now() + 60_000),
  };
}

test('the signature is the one of Slack’s own documentation', () => {
  const body =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
  const request = {
    timestamp: '1531420618',
    signature: 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    body: Buffer.from(body),
  };
  const at = new Date(1_531_420_618_000);
  expect(isFromSlack(request, '8f742231b10e8888abcd99yyyzzz85a5', at)).toBe(true);
  expect(isFromSlack({ ...request, body: Buffer.from(`${body} `) }, '8f742231b10e8888abcd99yyyzzz85a5', at)).toBe(false);
  expect(isFromSlack({ ...request, timestamp: '1531420619' }, '8f742231b10e8888abcd99yyyzzz85a5', at)).toBe(false);
  expect(isFromSlack(request, '8f742231b10e8888abcd99yyyzzz85a5', new Date(at.getTime() + 301_000))).toBe(false);
});
