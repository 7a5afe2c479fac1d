import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Api, adminToken, apiAsAdmin, apiAsBrowser, demoToken } from './api';
import { codeAt } from './authenticator';
import { gatehouse } from './cli';
import { directSettings, eventually, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';
import { storeText } from './storeText';
import { webBrowser } from './webBrowser';

const gateway = sharedGateway();
// The tests after this one share the gateway.
afterAll(async () => {
  const admin = apiAsAdmin(gateway);
  for (const { id, name } of await admin.notifications.list.query())
    if (name.startsWith('canary-')) await admin.notifications.remove.mutate({ id });
  const person = (await admin.principals.list.query()).find(({ name }) => name === 'canary-of-the-vault');
  if (person === undefined) return;
  if (person.hasPassword) await admin.localAccounts.remove.mutate({ principal: person.id });
  await admin.principals.disable.mutate({ id: person.id });
});

/** Files that are meant to hold a secret, for their owner alone. */
const KEEPERS = ['admin-token', 'demo-token', 'postgres-password', 'shop-password', 'secret-key'];

test('no token, password or masked value reaches the terminal, the journals or the store', async () => {
  const admin = apiAsAdmin(gateway);
  const direct = await open(directSettings(gateway));
  // maskedSemantics.test.ts asks for the first customer by the true value: what a client sends is in the record.
  const { rows } = await direct.query<{ ssn: string; email: string; card: string }>(
    'SELECT c.ssn, c.email, k.card_number AS card FROM customers c JOIN cards k ON k.customer_id = c.id WHERE c.id > 1 LIMIT 40',
  );
  const values = rows.flatMap((row) => [row.ssn, row.email, row.card]);
  expect(values.length).toBe(120);

  const canaryPassword = 'canary-upstream-password-4711';
  const wrongPassword = 'canary-wrong-password-0815';
  const { secret: canaryToken } = await admin.tokens.create.mutate({ principal: 'support-bot', label: 'canary', ttlMs: 600_000 });
  const { id } = await admin.connections.save.mutate({
    name: 'canary',
    host: '127.0.0.1',
    port: 9,
    database: 'canary',
    username: 'canary',
    password: canaryPassword,
    tls: 'disable',
    default: 'allow',
    opaque: 'hold',
    superuser: 'refuse',
    limits: {},
    record: { results: 'off' },
  });
  await admin.connections.test.mutate({ id });
  const session = await open(proxySettings(gateway, { password: canaryToken }));
  for (const sql of ['SELECT * FROM customers', 'SELECT * FROM cards', 'SELECT ssn, email FROM customers ORDER BY id'])
    await session.query(sql);
  for (const sql of ['SELECT ssn::int FROM customers', 'SELECT * FROM customers WHERE id = $1::text::int'])
    await failure(session.query(sql));
  await session.query('SELECT reverse(ssn), to_jsonb(c) FROM customers c');
  await session.query({ text: 'SELECT ssn, email FROM customers', values: [], binary: true } as { text: string });
  await failure(open(proxySettings(gateway, { password: wrongPassword })));
  await failure(open(proxySettings(gateway, { database: 'canary' })));
  await fetch(`${gateway.consoleUrl}/api/trpc/me.get`, { headers: { authorization: `Bearer ${wrongPassword}` } });
  await gatehouse(gateway, ['approvals', 'list'], { GATEHOUSE_TOKEN: wrongPassword });
  await session.end();
  const local = await signInByPassword(admin);
  const wholeAudit =
    JSON.stringify((await admin.audit.search.query({ q: '' })).items) + JSON.stringify((await admin.audit.actions.query({})).items);
  expect(wholeAudit).toContain('localAccount.enrol');
  const notified = await sendThroughEveryChannel(admin);
  await admin.connections.remove.mutate({ id });
  const exportFile = `${gateway.logFile}.export.jsonl`;
  const record = await eventually(
    'all of it in what is signed',
    async () => {
      const run = await gatehouse(gateway, ['audit', 'export', '--out', exportFile, '--with-values']);
      const text = run.code === 0 ? readFileSync(exportFile, 'utf8') : '';
      return ['connection.remove', 'reverse(ssn)', 'api.signInFailed', 'signInFailed'].every((word) => text.includes(word)) && text;
    },
    60_000,
  );
  rmSync(exportFile);

  const { password: postgresPassword } = directSettings(gateway);
  const secrets = { canaryPassword, canaryToken, wrongPassword, adminToken: adminToken(gateway), postgresPassword, ...notified, ...local };
  const log = readFileSync(gateway.logFile, 'utf8');
  const store = await storeText(gateway);
  for (const [place, text] of [
    ['the terminal', log],
    ['the audit API', wholeAudit],
    ['the store', store],
    ['the export of the record', record],
    ...filesOf(gateway.dataDir).map((path) => [path, readFileSync(path, 'latin1')] as const),
  ] as const) {
    for (const [name, secret] of Object.entries(secrets)) expect(text.includes(secret), `${name} is in ${place}`).toBe(false);
    for (const value of values) expect(text.includes(value), `a masked value is in ${place}`).toBe(false);
  }
  // The demo agent's token is in the psql line, by contract, and nowhere else.
  const lines = log.split('\n').filter((line) => line.includes(demoToken(gateway)));
  expect(lines.map((line) => /\bpsql "/.test(line))).toEqual([true]);
  expect(store.includes(demoToken(gateway))).toBe(false);
  await direct.end();
}, 120_000);

/**
 * Somebody sets up a password, signs in by it, by a recovery code and with what is wrong, and changes it. Returns what no place may hold.
 */
async function signInByPassword(admin: Api): Promise<Record<string, string>> {
  const name = 'canary-of-the-vault';
  const known = (await admin.principals.list.query()).find((one) => one.name === name);
  const draft = { name, kind: 'human' as const, role: 'member' as const, groups: [] };
  const { id } = await admin.principals.save.mutate({ ...draft, ...(known === undefined ? {} : { id: known.id }) });
  if (known?.disabledAt != null) await admin.principals.enable.mutate({ id });
  const password = 'canary bird hums behind the curtain';
  const nextPassword = 'canary bird moved to the attic';
  const wrongPassword = 'canary bird was never here at all';

  const browser = webBrowser();
  const signIn = async (way: string, fields: Record<string, string>) => {
    const { csrfToken } = (await (await browser.fetch(`${gateway.consoleUrl}/api/auth/csrf`)).json()) as { csrfToken: string };
    const answer = await browser.fetch(`${gateway.consoleUrl}/api/auth/callback/${way}`, { form: { csrfToken, json: 'true', ...fields } });
    return answer.status;
  };
  const link = new URL((await gatehouse(gateway, ['sign-in', '--principal', name])).stdout.trim()).searchParams.get('link') ?? '';
  expect(await signIn('_link', { link })).toBe(200);
  const cookie = Object.entries(browser.cookies(gateway.consoleUrl))
    .map((pair) => pair.join('='))
    .join('; ');
  const own = apiAsBrowser(gateway, cookie);
  const { secret, pending } = await own.localAccounts.begin.mutate();
  const code = (steps: number) => codeAt(secret, new Date(Date.now() + steps * 30_000));
  const { recoveryCodes } = await own.localAccounts.enrol.mutate({ password, pending, code: code(0) });
  const [first = '', second = '', third = '', ...rest] = recoveryCodes;
  expect(await signIn('_local', { name, password, code: first })).toBe(200);
  expect(await signIn('_local', { name, password: wrongPassword, code: second })).toBe(401);
  expect(await signIn('_local', { name, password, code: first })).toBe(401);
  // A password in the place of a name.
  expect(await signIn('_local', { name: wrongPassword, password: wrongPassword, code: second })).toBe(401);
  await own.localAccounts.changePassword.mutate({ current: { password, code: second }, password: nextPassword });
  await failure(own.localAccounts.renewRecoveryCodes.mutate({ current: { password: wrongPassword, code: third } }));
  expect(await signIn('_local', { name, password: nextPassword, code: third })).toBe(200);
  expect((await gatehouse(gateway, ['policy', 'export'])).stdout).not.toContain(secret);
  const spelled = [first, second, third, ...rest].flatMap((one) => [one, one.replaceAll('-', '')]);
  const codes = Object.fromEntries(spelled.map((one, n) => [`recoveryCode${n}`, one]));
  return { password, nextPassword, wrongPasswordOfPerson: wrongPassword, totpSecret: secret, pending, ...codes };
}

/** Makes a channel of every kind, whose receivers are not there, and has them try. Returns what no place may hold. */
async function sendThroughEveryChannel(admin: Api): Promise<Record<string, string>> {
  const secrets = {
    botToken: 'xoxb-canary-bot-token-0815',
    signingSecret: 'canarysigningsecret4711',
    teamsAddress: 'canary-teams-signature-4711',
    mailPassword: 'canary-mail-password-0815',
  };
  const mail = {
    kind: 'email',
    host: '127.0.0.1',
    port: 9,
    security: 'none',
    username: 'gh',
    from: 'a@example.com',
    to: ['b@example.com'],
  };
  const targets = [
    { kind: 'webhook', url: 'http://127.0.0.1:9/hook' },
    { kind: 'slack', channel: 'C0CANARY1', botToken: secrets.botToken, signingSecret: secrets.signingSecret },
    { kind: 'teams', url: `http://127.0.0.1:9/workflows?sig=${secrets.teamsAddress}` },
    { ...mail, password: secrets.mailPassword },
  ] as Parameters<Api['notifications']['save']['mutate']>[0]['target'][];
  let webhookSecret = '';
  const ids: string[] = [];
  for (const target of targets) {
    const saved = await admin.notifications.save.mutate({ name: `canary-${target.kind}`, target, events: ['request.filed'] });
    webhookSecret += saved.secret ?? '';
    ids.push(saved.id);
    expect(await admin.notifications.test.mutate({ id: saved.id })).toMatchObject({ delivered: false });
  }
  const waiting = await open(proxySettings(gateway));
  const held = failure(waiting.query('DELETE FROM orders WHERE id = 2147481999'));
  await eventually('every channel tried', async () => {
    const { items } = await admin.notifications.deliveries.query({});
    return ids.every((channelId) => items.some((item) => item.channelId === channelId && item.lastError !== null));
  });
  const shown = JSON.stringify([await admin.notifications.list.query(), await admin.notifications.deliveries.query({})]);
  for (const secret of Object.values(secrets)) expect(shown).not.toContain(secret);
  const [request] = (await admin.approvals.list.query({ status: 'open' })).items.filter(({ sql }) => sql.includes('2147481999'));
  await admin.approvals.reject.mutate({ id: request?.id ?? '', reason: 'end of test' });
  await held;
  await waiting.end();
  expect(webhookSecret).toMatch(/^whsec_/);
  return { ...secrets, webhookSecret: webhookSecret.slice('whsec_'.length) };
}

test('files that hold secrets are for their owner alone', () => {
  for (const name of readdirSync(gateway.dataDir)) {
    if (!KEEPERS.includes(name)) continue;
    expect(statSync(join(gateway.dataDir, name)).mode & 0o077, name).toBe(0);
  }
  for (const name of ['admin-token', 'demo-token', 'postgres-password']) expect(readdirSync(gateway.dataDir)).toContain(name);
  expect(statSync(join(gateway.dataDir, 'tls', 'proxy.key')).mode & 0o077).toBe(0);
  for (const path of [...filesOf(join(gateway.dataDir, 'journal')), ...filesOf(join(gateway.dataDir, 'record'))])
    expect(statSync(path).mode & 0o077, path).toBe(0);
});

/** Every file under a directory but the keepers and PostgreSQL's own: the demo data lives there, unmasked. */
function filesOf(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === 'cluster' ? [] : filesOf(path);
    return entry.isFile() && !KEEPERS.includes(entry.name) ? [path] : [];
  });
}
