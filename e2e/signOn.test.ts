import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Api, apiAsAdmin, apiAsOperator } from './api';
import { eventually } from './clients';
import { freePort, sharedGateway } from './gateway';
import { type Issuer, startIssuer } from './issuer';
import { type WebBrowser, webBrowser } from './webBrowser';

const gateway = sharedGateway();
const { consoleUrl } = gateway;
const admin = apiAsAdmin(gateway);
const issuers: Record<'userinfo' | 'idtoken', Issuer> = {} as never;
let silent: Server;
let operator: Api;
let policyBefore: string;

const client = (...names: string[]) => ({
  client_id: 'gatehouse',
  client_secret: 'secret-of-the-console',
  redirect_uris: names.map((name) => `${consoleUrl}/api/auth/callback/${name}`),
});
const claimsOf = (subject: string) => ({ email: `${subject}@corp.example`, email_verified: true, groups: ['Platform DBAs'] });
const providerOf = (name: string, issuer: string) => ({
  name,
  type: 'oidc',
  issuer,
  audiences: ['somebody-else'],
  principal: { claim: 'email', strip: '@corp.example', create: 'human' },
  groups: { claim: 'groups', names: { 'Platform DBAs': 'dba' } },
  console: { clientId: 'gatehouse', clientSecret: 'secret-of-the-console', label: name.toUpperCase() },
});

beforeAll(async () => {
  issuers.userinfo = await startIssuer({ client: client('userinfo', 'elsewhere'), claimsOf });
  issuers.idtoken = await startIssuer({ client: client('idtoken'), claimsOf, inIdToken: true });
  silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const silentPort = typeof address === 'object' ? address?.port : 0;
  operator = await apiAsOperator(gateway);
  policyBefore = (await operator.policy.export.query()).yaml;
  const document = parse(policyBefore) as { groups?: string[] };
  await operator.policy.applyYaml.mutate({
    yaml: stringify({
      ...document,
      groups: [...new Set([...(document.groups ?? []), 'dba'])],
      identity: {
        providers: [
          providerOf('userinfo', issuers.userinfo.url),
          providerOf('idtoken', issuers.idtoken.url),
          providerOf('elsewhere', issuers.userinfo.url.replace('127.0.0.1', 'localhost')),
          providerOf('down', `http://127.0.0.1:${await freePort()}`),
          providerOf('silent', `http://127.0.0.1:${silentPort}`),
        ],
      },
    }),
  });
});
afterAll(async () => {
  await operator?.policy.applyYaml.mutate({ yaml: policyBefore });
  await Promise.all(Object.values(issuers).map((issuer) => issuer.stop()));
  silent?.close();
});

/** What the page's button does. */
async function press(browser: WebBrowser, provider: string, callbackUrl = '/approvals'): Promise<string> {
  const { csrfToken } = (await (await browser.fetch(`${consoleUrl}/api/auth/csrf`)).json()) as { csrfToken: string };
  const answer = await browser.fetch(`${consoleUrl}/api/auth/signin/${provider}`, { form: { csrfToken, callbackUrl, json: 'true' } });
  return ((await answer.json()) as { url: string }).url;
}

/** Types a name at the provider and agrees; returns the address that leads back to the console. */
async function atProvider(browser: WebBrowser, start: string, subject: string): Promise<string> {
  const back = (url: string) => url.startsWith(`${consoleUrl}/`);
  let at = await browser.follow(start, back);
  for (const form of [{ prompt: 'login', login: subject, password: 'any' }, { prompt: 'consent' }]) {
    if (back(at.url)) break;
    const action = /<form[^>]+action="([^"]+)"/.exec(at.body)?.[1];
    expect(action, at.body.slice(0, 300)).toBeDefined();
    const answer = await browser.fetch(new URL(action ?? '', at.url).href, { form });
    at = await browser.follow(new URL(answer.headers.get('location') ?? '', at.url).href, back);
  }
  return at.url;
}

async function signIn(provider: string, subject: string, callbackUrl?: string): Promise<{ browser: WebBrowser; to: string; back: string }> {
  const browser = webBrowser();
  const back = await atProvider(browser, await press(browser, provider, callbackUrl), subject);
  const to = (await browser.fetch(back)).headers.get('location') ?? '';
  return { browser, to, back };
}

async function whoIs(browser: WebBrowser): Promise<{ name: string; groups: string[]; role: string } | null> {
  const answer = await browser.fetch(`${consoleUrl}/api/trpc/me.get`);
  if (answer.status !== 200) return null;
  return ((await answer.json()) as { result: { data: { json: { name: string; groups: string[]; role: string } } } }).result.data.json;
}

describe('the console by OIDC', () => {
  test.each(['userinfo', 'idtoken'])('a person signs in where the %s has the claims, in the groups that it says', async (provider) => {
    const { browser, to } = await signIn(provider, `ana-${provider}`);
    expect(to).toBe(`${consoleUrl}/approvals`);
    expect(await whoIs(browser)).toMatchObject({ name: `ana-${provider}`, groups: ['dba'], role: 'member' });
    // No token of the provider is in the browser.
    expect(Object.keys(browser.cookies(consoleUrl))).toContain('gatehouse.session');
    const recorded = (await admin.audit.actions.query({})).items.find(({ subject }) => subject === `ana-${provider}`);
    expect(recorded).toMatchObject({ action: 'console.signIn', after: { by: provider } });
  });

  test('the answer is for the browser that began, and once', async () => {
    const mine = webBrowser();
    const back = await atProvider(mine, await press(mine, 'idtoken'), 'gus');
    const other = webBrowser();
    await press(other, 'idtoken');
    for (const thief of [webBrowser(), other]) {
      expect((await thief.fetch(back)).headers.get('location')).toMatch(/\/sign-in\?|\/api\/auth\/error/);
      expect(await whoIs(thief)).toBeNull();
    }
    await mine.fetch(back);
    expect(await whoIs(mine)).toMatchObject({ name: 'gus' });
    const recorded = await eventually('failures are recorded', async () =>
      (await admin.audit.actions.query({})).items.find(({ action, subject }) => action === 'console.signInFailed' && subject === 'idtoken'),
    );
    expect(JSON.stringify(recorded.after)).toContain('not completed');
    const again = await mine.fetch(back);
    expect(again.headers.get('location')).toMatch(/\/sign-in\?|\/api\/auth\/error/);
  });

  test('whoever is disabled and whoever has no name here read the same, and neither is in', async () => {
    await signIn('idtoken', 'cy');
    const cy = (await admin.principals.list.query()).find(({ name }) => name === 'cy');
    await admin.principals.disable.mutate({ id: cy?.id ?? '' });
    const disabled = await signIn('idtoken', 'cy');
    const unnamed = await signIn('idtoken', 'no name at all');
    expect(disabled.to).toBe(`${consoleUrl}/sign-in?ended=refused&with=idtoken`);
    expect(unnamed.to).toBe(disabled.to);
    expect(await whoIs(disabled.browser)).toBeNull();
    const page = await disabled.browser.follow(disabled.to);
    expect(page.body).toContain('Ask an administrator');
    const failures = (await admin.audit.actions.query({})).items.filter(({ action }) => action === 'console.signInFailed');
    expect(JSON.stringify(failures)).toContain('cy is disabled');
  });

  test('somebody with a role is not linked by their name alone', async () => {
    const { to, browser } = await signIn('idtoken', 'admin');
    expect(to).toContain('ended=refused');
    expect(await whoIs(browser)).toBeNull();
  });

  test('a discovery document of another issuer signs nobody in', async () => {
    const { browser, to } = await signIn('elsewhere', 'ana-userinfo');
    expect(to).toContain('ended=refused');
    expect(await whoIs(browser)).toBeNull();
  });

  test.each(['down', 'silent'])(
    'an issuer that is %s is said to be within three seconds, and the other door stays open',
    async (provider) => {
      const browser = webBrowser();
      const startedAt = performance.now();
      const url = await press(browser, provider);
      expect(performance.now() - startedAt).toBeLessThan(3_000);
      expect(new URL(url).origin).toBe(consoleUrl);
      const page = await browser.follow(url);
      expect(page.body).toContain('does not answer');
      const { browser: other } = await signIn('idtoken', 'dee');
      expect(await whoIs(other)).toMatchObject({ name: 'dee' });
    },
  );

  test.each([
    ['/audit?q=1', '/audit?q=1'],
    ['https://evil.example/', '/'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['javascript:alert(1)', '/'],
    [`${consoleUrl}.evil.example/`, '/'],
    [`${consoleUrl}@evil.example/`, '/'],
    ['http://[', '/'],
  ])('asked to go to %s, it goes to %s', async (callbackUrl, path) => {
    const { to, browser } = await signIn('idtoken', 'onward', callbackUrl);
    expect(to).toBe(`${consoleUrl}${path}`);
    expect(await whoIs(browser)).toMatchObject({ name: 'onward' });
  });

  test('a provider that leaves the policy takes its sessions with it', async () => {
    const { browser } = await signIn('idtoken', 'flo');
    expect(await whoIs(browser)).not.toBeNull();
    const { yaml } = await operator.policy.export.query();
    const document = parse(yaml) as { identity: { providers: { name: string }[] } };
    document.identity.providers = document.identity.providers.filter(({ name }) => name !== 'idtoken');
    await operator.policy.applyYaml.mutate({ yaml: stringify(document) });
    expect(await whoIs(browser)).toBeNull();
  });
});
