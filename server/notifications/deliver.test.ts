import { eq } from 'drizzle-orm';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { queueEvent, queueRequestEvent } from '../../db/notifications/queue';
import { mailServer, readable } from '../../db/notifications/standIns/mail';
import { teamsReceiver } from '../../db/notifications/standIns/teams';
import { webhookReceiver } from '../../db/notifications/standIns/webhook';
import { approvalRequests } from '../../db/schema/approvals';
import { actions } from '../../db/schema/audit';
import { EVENT_KINDS } from '../../db/schema/notificationShapes';
import { notificationChannels, notificationDeliveries } from '../../db/schema/notifications';
import { approveRequest } from '../approvals/approve';
import { rejectRequest } from '../approvals/reject';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { enableChannel, rotateSecret, sendAgain } from './change';
import { listDeliveries } from './list';
import { type DeliveryOptions, startDeliveries } from './loop';
import { saveChannel } from './save';
import { takeDelivery } from './take';
import { testChannel } from './test';

const CONSOLE = 'https://gatehouse.example.com';
/** In the text and parameters of every statement here; nothing may carry it out unless told to. */
const CANARY = 'canary-4711-0815';

let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let admin: Caller;
let bo: Caller;
let agent: Caller;
let receiver: Awaited<ReturnType<typeof webhookReceiver>>;
let running: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  db = await withStore();
  admin = await db.as('admin', { name: 'ana', groups: ['dba'] });
  bo = await db.as('reviewer', { name: 'bo', groups: ['dba'] });
  agent = await db.as('member', { name: 'support-bot', kind: 'agent', ownerId: admin.actor.id });
  await db.as('reviewer', { name: 'sec', groups: ['security'] });
  setRuntime({
    store: db.store,
    storeUrl: db.url,
    secretKey: db.secretKey,
    dataDir: '/nowhere',
    gatewayId: 'gw_test',
    consoleUrl: CONSOLE,
  });
});
afterAll(() => db.close());
beforeEach(async () => {
  receiver = await webhookReceiver();
});
afterEach(async () => {
  await Promise.all(running.map((loop) => loop.stop()));
  running = [];
  await receiver.close();
  await db.store.delete(notificationChannels);
  await db.store.delete(approvalRequests);
});

const start = async (more: Partial<DeliveryOptions> = {}) => {
  const loop = await startDeliveries({
    store: db.store,
    storeUrl: db.url,
    secretKey: db.secretKey,
    gatewayId: newId('gw'),
    consoleUrl: CONSOLE,
    slackApiUrl: 'http://127.0.0.1:9/api/',
    firstDelayMs: 40,
    ...more,
  });
  running.push(loop);
  return loop;
};

let madeSecret = '';
const webhook = async (more: object = {}) => {
  const { id, secret } = await saveChannel(admin, {
    name: 'hook',
    target: { kind: 'webhook', url: `${receiver.url}/hook` },
    events: [...EVENT_KINDS],
    ...more,
  });
  madeSecret = secret ?? '';
  receiver.expect(madeSecret);
  return id;
};

/** As the desk files it: row and event in one transaction. */
async function file(overrides: Partial<typeof approvalRequests.$inferInsert> = {}): Promise<string> {
  const id = newId('req');
  await db.store.transaction(async (tx) => {
    await tx.insert(approvalRequests).values({
      id,
      statementId: newId('stm'),
      sessionId: newId('ses'),
      gatewayId: 'gw_1',
      workerId: 'w1',
      principalId: agent.actor.id,
      principalName: 'support-bot',
      ownerId: admin.actor.id,
      ownerName: 'ana',
      connectionName: 'shop',
      sql: `DELETE FROM orders WHERE email = '${CANARY}' -- ${CANARY}`,
      parameters: [{ typeOid: 25, value: CANARY }],
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
      requesterReason: 'INC-42 <b>now</b> [click](https://evil.example.com)',
      expiresAt: new Date(Date.now() + 60_000),
      ...overrides,
    });
    await queueRequestEvent(tx, 'request.filed', id);
  });
  return id;
}

const deliveries = async () => (await listDeliveries(admin, {})).items;
const until = async (what: () => boolean | Promise<boolean>, within = 5_000) => {
  for (const endMs = Date.now() + within; Date.now() < endMs; await new Promise((resolve) => setTimeout(resolve, 15)))
    if (await what()) return;
  throw new Error(`it did not come to pass: ${JSON.stringify(await deliveries())} ${JSON.stringify(receiver.refused)}`);
};

/** A receiver hears before the outcome is written down. */
const settled = () => until(async () => (await deliveries()).every(({ state }) => state !== 'pending'));

describe('a webhook', () => {
  test('is signed so that the Standard Webhooks library accepts it, and tells of a request and its decision in order', async () => {
    await webhook();
    await start();
    const id = await file();
    await approveRequest(bo, { id, reason: 'fine' });
    await until(() => receiver.heard.length === 2);
    expect(receiver.heard.map(({ type }) => type)).toEqual(['request.filed', 'request.approved']);
    expect(receiver.heard[0]?.data).toMatchObject({
      id,
      principal: 'support-bot',
      owner: 'ana',
      connection: 'shop',
      rule: 'review-deletes',
      link: `${CONSOLE}/approvals/${id}`,
      statement: { kind: 'DELETE', shape: 'DELETE FROM orders WHERE email = ?', relations: [{ name: 'public.orders', access: 'write' }] },
    });
    expect(receiver.heard[1]?.data).toMatchObject({ id, by: 'bo', reason: 'fine', approvals: 1, required: 1 });
    await settled();
    expect((await deliveries()).map(({ state, attempts }) => [state, attempts])).toEqual([
      ['delivered', 1],
      ['delivered', 1],
    ]);
  });

  test('shows no literal, no comment and no parameter unless the channel was told to include SQL', async () => {
    await webhook();
    await start();
    await file();
    await until(() => receiver.heard.length === 1);
    expect(receiver.heard[0]?.body).not.toContain(CANARY);
    await db.store.update(notificationChannels).set({ includeSql: true });
    await file();
    await until(() => receiver.heard.length === 2);
    expect(receiver.heard[1]?.data).toMatchObject({ statement: { sql: expect.stringContaining(CANARY) } });
  });

  test('is tried again while the receiver is down, under the same id, and arrives when it is up', async () => {
    await webhook();
    const { port } = receiver;
    const first = receiver;
    receiver.answer(() => ({ status: 503 }));
    await start();
    await file();
    await until(() => first.tries() >= 2);
    await receiver.close();
    await until(async () => (await deliveries())[0]?.lastError?.startsWith('could not be reached') === true);
    receiver = await webhookReceiver({ port, secret: madeSecret });
    await until(() => receiver.heard.length === 1);
    await settled();
    const [delivery] = await deliveries();
    expect(delivery).toMatchObject({ state: 'delivered', lastError: null });
    expect(delivery?.attempts).toBeGreaterThan(2);
    expect(receiver.heard[0]?.id).toBe(delivery?.id.split('.')[0]);
  });

  test('holds back what comes later for a subject until the earlier has arrived, and nothing of other subjects', async () => {
    await webhook();
    const first = await file();
    receiver.answer((count) => ({ status: count <= 3 ? 500 : 204 }));
    await start();
    await until(() => receiver.tries() >= 1);
    await approveRequest(bo, { id: first });
    await file();
    await until(() => receiver.heard.length === 3);
    const ofFirst = receiver.heard.filter(({ data }) => data.id === first).map(({ type }) => type);
    expect(ofFirst).toEqual(['request.filed', 'request.approved']);
  });

  test.each([400, 401, 404, 413])('is not tried again after %i, and can be sent again by a person', async (status) => {
    await webhook();
    receiver.answer((count) => ({ status: count === 1 ? status : 204 }));
    await start();
    await file();
    await until(async () => (await deliveries())[0]?.state === 'dead');
    const [dead] = await deliveries();
    expect(dead).toMatchObject({ attempts: 1, lastError: `refused with ${status}` });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(receiver.tries()).toBe(1);
    await sendAgain(admin, { id: dead?.id });
    await until(() => receiver.heard.length === 1);
    expect(receiver.heard[0]?.id).toBe(dead?.id.split('.')[0]);
    await settled();
    await expect(sendAgain(admin, { id: dead?.id })).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(sendAgain(bo, { id: dead?.id })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('410 switches the channel off, in the record, and what waits is given up', async () => {
    await webhook();
    receiver.answer(() => ({ status: 410 }));
    await file();
    await file();
    await start();
    await until(async () => (await deliveries()).every(({ state }) => state === 'dead'));
    const [channel] = await db.store.select().from(notificationChannels);
    expect(channel).toMatchObject({ disabledAt: expect.any(Date), disabledWhy: 'answered 410 Gone' });
    expect(await db.store.select().from(actions).where(eq(actions.action, 'notification.disable'))).toHaveLength(1);
    await file();
    expect(await deliveries()).toHaveLength(2);
    await enableChannel(admin, { id: channel?.id, enabled: true });
    receiver.answer(() => ({ status: 204 }));
    await file();
    await until(() => receiver.heard.length === 1);
  });

  test('follows no redirect', async () => {
    const elsewhere = await webhookReceiver();
    await webhook();
    receiver.answer(() => ({ status: 307, headers: { location: `${elsewhere.url}/hook` } }));
    await start();
    await file();
    await until(async () => (await deliveries())[0]?.state === 'dead');
    expect(elsewhere.tries()).toBe(0);
    expect((await deliveries())[0]?.lastError).toContain('redirect (307)');
    await elsewhere.close();
  });

  test('waits as long as a receiver asks for', async () => {
    await webhook();
    receiver.answer((count) => (count === 1 ? { status: 429, headers: { 'retry-after': '1' } } : { status: 204 }));
    await start();
    const before = Date.now();
    await file();
    await until(() => receiver.heard.length === 1);
    expect(Date.now() - before).toBeGreaterThan(950);
  });

  test('carries two signatures for a day after a rotation: old and new secret both verify', async () => {
    const id = await webhook();
    const [before] = await db.store.select().from(notificationChannels);
    const { secret } = await rotateSecret(admin, { id });
    await start();
    // The receiver still has the old secret.
    await file();
    await until(() => receiver.heard.length === 1);
    expect(receiver.heard[0]?.signatures).toBe(2);
    receiver.expect(secret);
    await file();
    await until(() => receiver.heard.length === 2);
    expect(before?.secretsSealed).not.toContain('whsec');
    await db.store
      .update(notificationChannels)
      .set({ config: { kind: 'webhook', url: `${receiver.url}/hook`, previousSecretUntil: new Date(Date.now() - 1).toISOString() } });
    await file();
    await until(() => receiver.heard.length === 3);
    expect(receiver.heard[2]?.signatures).toBe(1);
    expect(() => new Webhook(secret).verify('{}', {})).toThrow();
  });
});

describe('the queue', () => {
  test('an event is there exactly when what it tells of is', async () => {
    await webhook();
    const id = newId('req');
    await db.store
      .transaction(async (tx) => {
        await queueEvent(tx, { kind: 'grant.made', subject: id, connection: 'shop', facts: {} });
        throw new Error('rolled back');
      })
      .catch(() => undefined);
    expect(await deliveries()).toEqual([]);
  });

  test('what a killed gateway had taken is delivered by another once its lease is over, under the same id', async () => {
    await webhook();
    const id = await file();
    const taken = await takeDelivery(db.store, 'gw_killed', []);
    expect(taken?.delivery.subject).toBe(id);
    // Nobody else takes it meanwhile, nor what comes after it.
    await approveRequest(bo, { id });
    expect(await takeDelivery(db.store, 'gw_2', [])).toBeNull();
    await db.store
      .update(notificationDeliveries)
      .set({ leasedUntil: new Date(Date.now() - 1) })
      .where(eq(notificationDeliveries.id, taken?.delivery.id ?? ''));
    await start();
    await until(() => receiver.heard.length === 2);
    expect(receiver.heard.map((heard) => heard.type)).toEqual(['request.filed', 'request.approved']);
    expect(receiver.heard[0]?.id).toBe(taken?.delivery.eventId);
  });

  test('two gateways deliver each once', async () => {
    await webhook();
    await Promise.all([start(), start()]);
    const ids = await Promise.all(Array.from({ length: 30 }, () => file()));
    await Promise.all(ids.map((id) => rejectRequest(bo, { id, reason: 'no' })));
    await until(() => receiver.heard.length === 60, 15_000);
    expect(new Set(receiver.heard.map(({ id }) => id)).size).toBe(60);
    for (const id of ids)
      expect(receiver.heard.filter(({ data }) => data.id === id).map(({ type }) => type)).toEqual(['request.filed', 'request.rejected']);
  });

  test('only channels that ask for the event, the connection and the reviewers hear of it', async () => {
    const channel = (name: string, more: object) =>
      saveChannel(admin, { name, target: { kind: 'webhook', url: `${receiver.url}/x` }, events: ['request.filed'], ...more });
    await channel('all', {});
    await channel('decisions', { events: ['request.approved'] });
    await channel('dba', { groups: ['dba'] });
    await channel('security', { groups: ['security'] });
    await channel('off', {});
    await db.store
      .update(notificationChannels)
      .set({ connections: ['other'] })
      .where(eq(notificationChannels.name, 'off'));
    await file();
    expect((await deliveries()).map(({ channelName }) => channelName).sort()).toEqual(['all', 'dba']);
    await file({ reviewerGroups: [] });
    expect(
      (await deliveries())
        .slice(0, 3)
        .map(({ channelName }) => channelName)
        .sort(),
    ).toEqual(['all', 'dba', 'security']);
  });

  test('what comes due is tried then, and not at the next look at the queue', async () => {
    await webhook();
    await start({ firstDelayMs: 2 });
    for (let round = 1; round <= 12; round++) {
      receiver.answer((count) => ({ status: count <= 4 ? 503 : 204 }));
      const started = Date.now();
      await file();
      await until(() => receiver.heard.length === round, 15_000);
      expect(Date.now() - started, `round ${round}`).toBeLessThan(3_500);
    }
  });

  test('a receiver that hangs does not hold up the others', async () => {
    const slow = await import('../../db/notifications/standIns/http').then(({ answering }) =>
      answering(() => new Promise(() => undefined)),
    );
    await saveChannel(admin, { name: 'a-slow', target: { kind: 'webhook', url: slow.url }, events: ['request.filed'] });
    for (let i = 0; i < 20; i++) await file();
    await webhook({ events: ['request.filed'] });
    await start();
    await file();
    await until(() => receiver.heard.length === 1, 3_000);
    await slow.close();
  });
});

describe('a channel', () => {
  test('is made and changed by administrators, read by readers, and never shows a secret', async () => {
    for (const caller of [bo, agent]) await expect(saveChannel(caller, {})).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const { secret } = await saveChannel(admin, {
      name: 'mail',
      target: mailTarget(25, { password: CANARY, username: 'gh' }),
      events: ['request.filed'],
    });
    expect(secret).toBeNull();
    const { listChannels } = await import('./list');
    expect(JSON.stringify(await listChannels(bo))).not.toContain(CANARY);
    expect(JSON.stringify(await db.store.select().from(notificationChannels))).not.toContain(CANARY);
    expect(JSON.stringify(await db.store.select().from(actions))).not.toContain(CANARY);
    await expect(listChannels(agent)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test.each([
    ['http://hooks.example.com/x', 'https is needed'],
    ['https://user:secret@hooks.example.com/x', 'no user name or password'],
    ['file:///etc/passwd', 'https is needed'],
    ['nonsense', 'an address'],
  ])('%s is no address to send to', async (url, words) => {
    const attempt = saveChannel(admin, { name: 'x', target: { kind: 'webhook', url }, events: ['request.filed'] });
    await expect(attempt).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining(words) });
  });

  test('keeps its mail password for its own server alone', async () => {
    const { id } = await saveChannel(admin, {
      name: 'mail',
      target: mailTarget(25, { password: 'x', username: 'gh' }),
      events: ['request.filed'],
    });
    const move = saveChannel(admin, { id, name: 'mail', target: mailTarget(26, { username: 'gh' }), events: ['request.filed'] });
    await expect(move).rejects.toMatchObject({ message: expect.stringContaining('type it again') });
  });

  test('can be tried out, which is recorded', async () => {
    const id = await webhook();
    expect(await testChannel(admin, { id })).toEqual({ delivered: true, error: null });
    receiver.answer(() => ({ status: 500 }));
    expect(await testChannel(admin, { id })).toEqual({ delivered: false, error: 'answered 500' });
    expect((await db.store.select().from(actions).where(eq(actions.action, 'notification.test'))).length).toBe(2);
    await expect(testChannel(bo, { id })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

const mailTarget = (port: number, more: object = {}) => ({
  kind: 'email',
  host: '127.0.0.1',
  port,
  security: 'none',
  from: 'Gatehouse <gatehouse@example.com>',
  to: ['dba@example.com', 'sec@example.com'],
  ...more,
});

describe('e-mail', () => {
  test('is text and HTML with a link, what people wrote is inert, and no literal is in it', async () => {
    const server = await mailServer({ user: { name: 'gh', password: 'mail-password' } });
    await saveChannel(admin, {
      name: 'mail',
      target: mailTarget(server.port, { username: 'gh', password: 'mail-password' }),
      events: ['request.filed', 'request.approved'],
    });
    await start();
    const id = await file();
    await approveRequest(bo, { id });
    await until(() => server.mails.length === 2);
    const [mail] = server.mails;
    const text = readable(mail?.raw ?? '');
    expect(mail).toMatchObject({ from: 'gatehouse@example.com', to: ['dba@example.com', 'sec@example.com'] });
    expect(text).toContain('Subject: [Gatehouse] support-bot for ana asks to run DELETE on shop');
    expect(text).toContain(`Open in Gatehouse: ${CONSOLE}/approvals/${id}`);
    expect(text).toContain('Content-Type: text/html');
    expect(text).toContain('&lt;b&gt;now&lt;/b&gt;');
    expect(text).not.toContain(CANARY);
    expect(text).not.toContain('mail-password');
    // All mails of one request are one thread.
    expect(server.mails.map(({ raw }) => /^References: (.*)$/m.exec(raw)?.[1])).toEqual([
      `<${id}@gatehouse.invalid>`,
      `<${id}@gatehouse.invalid>`,
    ]);
    await server.close();
  });

  test('is tried again after 4xx, and given up after 5xx or a wrong password', async () => {
    let code: number | null = 451;
    const server = await mailServer({ refuse: () => code });
    await saveChannel(admin, { name: 'mail', target: mailTarget(server.port), events: ['request.filed'] });
    await start();
    await file();
    await until(async () => ((await deliveries())[0]?.attempts ?? 0) >= 2);
    code = null;
    await until(() => server.mails.length === 1);
    code = 550;
    await file();
    await until(async () => (await deliveries())[0]?.state === 'dead');
    expect((await deliveries())[0]).toMatchObject({ attempts: 1, lastError: expect.stringContaining('550') });
    await server.close();
    const locked = await mailServer({ user: { name: 'gh', password: 'right' } });
    const { id } = await saveChannel(admin, {
      name: 'locked',
      target: mailTarget(locked.port, { username: 'gh', password: 'wrong-canary' }),
      events: ['request.filed'],
    });
    await file();
    await until(async () => (await deliveries()).find(({ channelId }) => channelId === id)?.state === 'dead');
    const dead = (await deliveries()).find(({ channelId }) => channelId === id);
    expect(dead?.lastError).toContain('refused the sign-in');
    expect(dead?.lastError).not.toContain('wrong-canary');
    await locked.close();
  });

  test('never falls back to plain text where TLS is asked for', async () => {
    const server = await mailServer();
    await saveChannel(admin, { name: 'mail', target: mailTarget(server.port, { security: 'starttls' }), events: ['request.filed'] });
    await start();
    await file();
    await until(async () => (await deliveries())[0]?.lastError === 'the mail server offers no TLS (ETLS)');
    expect(server.mails).toEqual([]);
    await server.close();
  });
});

describe('Microsoft Teams', () => {
  test('gets an Adaptive Card whose only action is a link, and no Markdown that people wrote', async () => {
    const teams = await teamsReceiver();
    const url = `${teams.url}/workflows/${CANARY}?sig=${CANARY}`;
    await saveChannel(admin, { name: 'teams', target: { kind: 'teams', url }, events: ['request.filed'] });
    await start();
    const id = await file({ sql: `SELECT ${Array.from({ length: 4_000 }, (_, i) => `column_${i}`).join(', ')} FROM t` });
    await until(() => teams.cards.length === 1);
    const [card] = teams.cards;
    expect(card?.attachments[0]?.content.actions).toEqual([
      { type: 'Action.OpenUrl', title: 'Open in Gatehouse', url: `${CONSOLE}/approvals/${id}` },
    ]);
    expect(JSON.stringify(await db.store.select().from(notificationChannels))).not.toContain(CANARY);
    await teams.close();
  });
});
