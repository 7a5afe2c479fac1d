import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { parse, stringify } from 'yaml';
import { type Api, apiAsOperator } from '../api';
import { freePort, sharedGateway } from '../gateway';
import { type Issuer, startIssuer } from '../issuer';
import { type SamlIdp, startSamlIdp } from '../samlIdp';

const { consoleUrl } = sharedGateway();
test.describe.configure({ mode: 'serial' });
test.use({ storageState: { cookies: [], origins: [] } });

let issuer: Issuer;
let idp: SamlIdp;
let operator: Api;
let policyBefore: string;
let providers: { okta: object; down: object; corp: object };

test.beforeAll(async () => {
  issuer = await startIssuer({
    client: { client_id: 'gatehouse', client_secret: 'web-secret', redirect_uris: [`${consoleUrl}/api/auth/callback/okta`] },
    claimsOf: (subject) => ({ email: `${subject}@corp.example` }),
  });
  idp = await startSamlIdp(await (await fetch(`${consoleUrl}/api/saml/corp/metadata`)).text(), 'sam');
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
    corp: {
      ...{ type: 'saml', name: 'corp', label: 'Corporate SSO', metadata: idp.metadata, principal: { claim: 'nameID', create: 'human' } },
      ...{ signRequests: true, encryptedAssertions: 'required' },
    },
  };
  operator = await apiAsOperator(sharedGateway());
  policyBefore = (await operator.policy.export.query()).yaml;
});
test.afterAll(async () => {
  await operator?.policy.applyYaml.mutate({ yaml: policyBefore });
  await issuer?.stop();
  idp?.stop();
});

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
  await page.getByPlaceholder('Enter any login').fill('olive');
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page).toHaveURL(`${consoleUrl}/audit?q=who%3Aana`);
  await expect(page.getByText('olive').first()).toBeVisible();
});

test('by SAML, from another site, back to where they were going', async ({ page }) => {
  await use(providers.okta, providers.corp);
  await page.goto(`${consoleUrl}/sessions`);
  await button(page, 'Corporate SSO').click();
  await expect(page).toHaveURL(`${consoleUrl}/sessions`);
  await expect(page.getByText('sam').first()).toBeVisible();
  // Out, by way of the provider and back.
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(`${consoleUrl}/sign-in`);
  expect(idp.signedOut).toEqual(['sam']);
});

test('who signs out at the SAML provider is signed out here too', async ({ page }) => {
  await use(providers.okta, providers.corp);
  await page.goto(`${consoleUrl}/sessions`);
  await button(page, 'Corporate SSO').click();
  await expect(page.getByText('sam').first()).toBeVisible();
  await page.goto(idp.signsOut());
  await expect(page.getByText('Signed out everywhere')).toBeVisible();
  await page.goto(`${consoleUrl}/sessions`);
  await expect(button(page, 'Corporate SSO')).toBeVisible();
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
