import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answering } from '../db/notifications/standIns/http';
import { slackStandIn } from '../db/notifications/standIns/slack';
import { webhookReceiver } from '../db/notifications/standIns/webhook';
import { apiAs, apiAsAdmin, makePrincipal } from './api';
import { eventually, failure, open, proxySettings } from './clients';
import { makeDataDir, type RunningGateway, removeDataDir, startGateway } from './gateway';

const TOKEN = 'xoxb-e2e-canary-1234567890';
const SIGNING = '0123456789abcdef0123456789abcdef';

let dataDir: string;
let running: RunningGateway | undefined;
beforeEach(() => {
  dataDir = makeDataDir();
});
afterEach(async () => {
  await running?.stop().catch(() => undefined);
  running = undefined;
  removeDataDir(dataDir);
  rmSync(`${dataDir}.log`, { force: true });
});

async function start(env: Record<string, string> = {}): Promise<RunningGateway> {
  running = await startGateway({ dataDir, log: `${dataDir}.log`, env });
  return running;
}

test('a gateway that is killed between an event and its delivery delivers it after the restart, under the same id', async () => {
  const ids: string[] = [];
  // Takes the first message and says nothing, as a receiver that hangs.
  const hanging = await answering((request) => {
    ids.push(request.headers['webhook-id'] ?? '');
    return new Promise(() => undefined);
  });
  const first = await start();
  const { secret } = await apiAsAdmin(first).notifications.save.mutate({
    name: 'hook',
    target: { kind: 'webhook', url: `${hanging.url}/hook` },
    events: ['request.filed', 'request.approved'],
  });
  const client = await open(proxySettings(first));
  const held = failure(client.query('DELETE FROM orders WHERE id = 4711'));
  await eventually('the first try', async () => ids.length === 1);
  await first.killHard();
  await held;
  await hanging.close();

  const receiver = await webhookReceiver({ port: hanging.port });
  receiver.expect(secret ?? '');
  const second = await start();
  const admin = apiAsAdmin(second);
  await eventually('the message', async () => receiver.heard.length === 1, 30_000);
  expect(receiver.heard[0]).toMatchObject({ id: ids[0], type: 'request.filed' });
  // Nothing held is released by a kill; what is decided afterwards is told in its turn.
  const reviewer = apiAs(second, await makePrincipal(admin, { name: 'bo', kind: 'human', groups: ['dba'], role: 'reviewer' }));
  await reviewer.approvals.approve.mutate({ id: String(receiver.heard[0]?.data.id) });
  await eventually('the decision', async () => receiver.heard.length === 2, 30_000);
  expect(receiver.heard[1]?.type).toBe('request.approved');
  expect(receiver.heard[1]?.id).not.toBe(ids[0]);
  expect(receiver.refused).toEqual([]);
  await receiver.close();
}, 120_000);

test('a statement that an agent waits for is approved, and another rejected, by a reviewer in Slack', async () => {
  const slack = await slackStandIn({ token: TOKEN, signingSecret: SIGNING });
  const gateway = await start({ SLACK_API_URL: slack.apiUrl });
  const admin = apiAsAdmin(gateway);
  await makePrincipal(admin, { name: 'bo', kind: 'human', groups: ['dba'], role: 'reviewer', email: 'bo@example.com' });
  slack.users.set('U0BO00001', { id: 'U0BO00001', email: 'bo@example.com' });
  await admin.notifications.save.mutate({
    name: 'slack',
    target: { kind: 'slack', channel: 'C0APPROVALS', botToken: TOKEN, signingSecret: SIGNING },
    events: ['request.filed'],
  });
  const interact = (payload: object) => {
    const { body, headers } = slack.signed(payload);
    return fetch(`${gateway.consoleUrl}/api/slack/interactions`, { method: 'POST', body, headers });
  };

  const client = await open(proxySettings(gateway));
  const released = client.query('DELETE FROM orders WHERE id = 4711').then(() => performance.now());
  const ts = await eventually('the message', async () => [...slack.messages.keys()][0]);
  const clicked = performance.now();
  expect((await interact(slack.press('U0BO00001', ts, 'Approve'))).status).toBe(200);
  console.log(`Slack click to the client's answer: ${((await released) - clicked).toFixed(0)} ms`);
  await eventually('the update', async () => slack.messages.get(ts)?.content.text.includes('Approved and released'));
  expect(slack.messages.size).toBe(1);

  const refused = failure(client.query('DELETE FROM orders WHERE id = 4712'));
  const second = await eventually('the second message', async () => [...slack.messages.keys()][1]);
  await interact(slack.press('U0BO00001', second, 'Reject'));
  await interact(slack.submit('U0BO00001', 'not on a Friday'));
  expect(await refused).toMatchObject({ code: '42501', detail: expect.stringContaining('not on a Friday') });
  const log = (await admin.audit.actions.query({})).items.filter(({ via }) => via === 'slack');
  expect(log.map(({ actorName, action }) => `${actorName} ${action}`)).toEqual(['bo request.reject', 'bo request.approve']);
  expect(gateway.output()).not.toContain('xoxb-');
  await client.end();
  await slack.close();
}, 120_000);
