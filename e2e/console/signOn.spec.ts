import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { parse, stringify } from 'yaml';
import { makeIdp, type TestIdp } from '../../server/auth/saml/testing';
import { type Api, apiAsOperator } from '../api';
import { freePort, sharedGateway } from '../gateway';
import { type Issuer, startIssuer } from '../issuer';

const { consoleUrl } = sharedGateway();
test.describe.configure({ mode: 'serial' });
test.use({ storageState: { cookies: [], origins: [] } });

let issuer: Issuer;
let idp: TestIdp;
let idpPage: Server;
let operator: Api;
let policyBefore: string;
let providers: { okta: object; down: object; corp: object };

test.beforeAll(async () => {
  issuer = await startIssuer({
    client: { client_id: 'gatehouse', client_secret: 'web-secret', redirect_uris: [`${consoleUrl}/api/auth/callback/okta`] },
    claimsOf: (subject) => ({ email: `${subject}@corp.example` }),
  });
  idpPage = createServer(
    (req, res) => void answerAsIdp(req.url ?? '').then((html) => res.setHeader('content-type', 'text/html').end(html)),
  );
  await new Promise<void>((resolve) => idpPage.listen(0, 'localhost', resolve));
  // Another site than the console's: its form carries no cookie of ours.
  const signOnUrl = `http://localhost:${(idpPage.address() as AddressInfo).port}/sso`;
  idp = makeIdp(await (await fetch(`${consoleUrl}/api/saml/corp/metadata`)).text(), { signOnUrl });
  const person = { claim: 'email', strip: '@corp.example', create: 'human' };
  const oidc = { type: 'oidc', audiences: ['gatehouse'], principal: person };
  providers = {
    okta: { ...oidc, name: 'okta', issuer: issuer.url, console: { clientId: 'gatehouse', clientSecret: 'web-secret', label: 'Okta' } },
    down: {
      ...oidc,
      name: 'down',
      issuer: `http://127.0.0.1:${await freePort()}`,
      console: { clientId: 'gatehouse', label: 'Keycloak of the subsidiary with a long name' },
    },
    corp: { type: 'saml', name: 'corp', label: 'Corporate SSO', metadata: idp.metadata, principal: { claim: 'uid', create: 'human' } },
  };
  operator = await apiAsOperator(sharedGateway());
  policyBefore = (await operator.policy.export.query()).yaml;
});
test.afterAll(async () => {
  await operator?.policy.applyYaml.mutate({ yaml: policyBefore });
  await issuer?.stop();
  idpPage?.close();
});

async function answerAsIdp(address: string): Promise<string> {
  const { id, acs } = await idp.readRequest(`http://localhost${address}`);
  const response = await idp.respond({ inResponseTo: id, nameId: 'subject-sam', attributes: { uid: ['sam'] } });
  return `<form method="post" action="${acs}"><input type="hidden" name="SAMLResponse" value="${response}">
    <input type="hidden" name="RelayState" value="https://evil.example/"></form><script>document.forms[0].submit()</script>`;
}

async function use(...named: object[]): Promise<void> {
  await operator.policy.applyYaml.mutate({ yaml: stringify({ ...(parse(policyBefore) as object), identity: { providers: named } }) });
}

const button = (page: Page, label: string) => page.getByRole('button', { name: `Sign in with ${label}` });

test('one provider is the way in; the link stays', async ({ page }) => {
  await use(providers.okta);
  await page.goto(`${consoleUrl}/audit?q=who%3Aana`);
  await page.screenshot({ path: 'test-results/pages/sign-in-one.png' });
  await page.getByText('Sign in with a one-time link').click();
  await expect(page.getByText('npm start')).toBeVisible();
  await button(page, 'Okta').click();
  await page.getByPlaceholder('Enter any login').fill('olga');
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page).toHaveURL(`${consoleUrl}/audit?q=who%3Aana`);
  await expect(page.getByText('olga').first()).toBeVisible();
});

test('by SAML, from another site, back to where they were going', async ({ page }) => {
  await use(providers.okta, providers.corp);
  await page.goto(`${consoleUrl}/sessions`);
  await button(page, 'Corporate SSO').click();
  await expect(page).toHaveURL(`${consoleUrl}/sessions`);
  await expect(page.getByText('sam').first()).toBeVisible();
});

test('a provider that is down says so at once, and the others can be pressed', async ({ page }) => {
  await use(providers.okta, providers.corp, providers.down);
  await page.goto(`${consoleUrl}/sign-in`);
  await button(page, 'Keycloak').click();
  await expect(page.getByRole('alert').filter({ hasText: 'does not answer' })).toBeVisible({ timeout: 3_000 });
  await expect(button(page, 'Okta')).toBeEnabled();
});

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1280, 375]) {
    test(`axe finds nothing, ${scheme}, ${width} px`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 800 });
      for (const [name, query] of [
        ['several', ''],
        ['refused', '?ended=refused&with=okta'],
        ['unfinished', '?ended=unfinished&with=corp'],
      ]) {
        await page.goto(`${consoleUrl}/sign-in${query}`);
        await expect(button(page, 'Okta')).toBeVisible();
        expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
        await page.screenshot({ path: `test-results/pages/sign-in-${name}-${scheme}-${width}.png` });
      }
    });
  }
}
