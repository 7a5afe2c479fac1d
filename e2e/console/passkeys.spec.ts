import { type Browser, type CDPSession, expect, type Page, test } from '@playwright/test';
import { apiAsAdmin, makePrincipal } from '../api';
import { gatehouse } from '../cli';
import { directSettings, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

test.describe.configure({ mode: 'serial' });

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
/** Passkeys belong to a name, and an address has none. */
const origin = gateway.consoleUrl.replace('127.0.0.1', 'localhost');
const RULE = 'confirm-vault';

let page: Page;
let cdp: CDPSession;
let authenticatorId: string;

/** Signs in by a link, in a browser of its own with an authenticator of its own. */
async function atBrowser(browser: Browser, name: string): Promise<Page> {
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const opened = await context.newPage();
  const { path } = await admin.principals.signInLink.mutate({ principal: name });
  await opened.goto(`${origin}${path}`);
  await expect(opened).toHaveURL(`${origin}/`);
  return opened;
}

test.beforeAll(async ({ browser }) => {
  await makePrincipal(admin, { name: 'pia-of-keys', kind: 'human', role: 'reviewer', groups: [] });
  await admin.rules.save.mutate({
    name: RULE,
    match: { statements: ['UPDATE'], tables: ['public.vault_of_keys'] },
    action: 'hold',
    approval: { passkey: 'required' },
  });
  const direct = await open(directSettings(gateway));
  await direct.query(
    'DROP TABLE IF EXISTS vault_of_keys; CREATE TABLE vault_of_keys (id int PRIMARY KEY, n int); GRANT ALL ON vault_of_keys TO shop_app; INSERT INTO vault_of_keys VALUES (1, 0)',
  );
  await direct.end();
  page = await atBrowser(browser, 'pia-of-keys');
  cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  authenticatorId = await addAuthenticator('internal');
});
async function addAuthenticator(transport: 'internal' | 'usb'): Promise<string> {
  const always = { hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const added = await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport, ...always } });
  return added.authenticatorId;
}

test.afterAll(async () => {
  const rule = (await admin.rules.list.query()).find((one) => one.name === RULE);
  if (rule !== undefined) await admin.rules.remove.mutate({ id: rule.id });
  await page.context().close();
});

const userVerified = (isUserVerified: boolean) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
const panel = (of: Page) => of.getByRole('region', { name: 'Approval request' });

async function waiting(text: string): Promise<string> {
  let id: string | undefined;
  await expect
    .poll(async () => {
      id = (await admin.approvals.list.query({ status: 'open' })).items.find((item) => item.sql.includes(text))?.id;
      return id;
    })
    .toBeDefined();
  return id ?? '';
}

test('a page opened by an address says where passkeys are', async ({ page: byAddress }) => {
  await byAddress.goto(`${gateway.consoleUrl}/account`);
  await expect(byAddress.getByRole('link', { name: origin })).toBeVisible();
  await expect(byAddress.getByRole('button', { name: 'Add passkey' })).toBeHidden();
});

test('a reviewer without a passkey is told where to get one, and may still reject', async () => {
  const client = await open(proxySettings(gateway));
  const answer = client.query('UPDATE vault_of_keys SET n = 1 WHERE id = 1').then(
    () => 'ran',
    (error: Error) => error.message,
  );
  await page.goto(`${origin}/approvals/${await waiting('SET n = 1')}`);
  await expect(panel(page).getByText('you have none')).toBeVisible();
  await expect(panel(page).getByRole('button', { name: 'Approve statement' })).toBeDisabled();
  await panel(page).getByRole('button', { name: 'Reject statement' }).click();
  await page.getByRole('alertdialog').getByLabel('Reason').fill('not now');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Reject statement' }).click();
  expect(await answer).toMatch(/rejected by reviewer/);
  await client.end();
});

test('a person registers a passkey, and another with the first', async () => {
  await page.goto(`${origin}/`);
  await page.getByRole('link', { name: /^Your account/ }).click();
  await expect(page.getByText('No passkey yet')).toBeVisible();
  await page.getByRole('button', { name: 'Add passkey' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Desk');
  await page.getByRole('button', { name: 'Create passkey' }).click();
  await expect(page.getByRole('heading', { name: 'Desk' })).toBeVisible();

  // The device has one already, and keeps one a person.
  await page.getByRole('button', { name: 'Add passkey' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Second');
  await page.getByRole('button', { name: 'Confirm with a passkey' }).click();
  await page.getByRole('button', { name: 'Create passkey' }).click();
  await expect(page.getByText('This device has a passkey of yours already.')).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();

  await page.getByRole('button', { name: 'Rename Desk' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('Desk at home');
  await page.getByRole('button', { name: 'Save name' }).click();
  await expect(page.getByRole('heading', { name: 'Desk at home' })).toBeVisible();
});

test('signing out and in with the passkey, and nobody is asked who they are', async () => {
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await userVerified(false);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByText('Your browser gave no passkey')).toBeVisible();
  await userVerified(true);
  await page.goto(`${origin}/sign-in?next=/account`);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page).toHaveURL(`${origin}/account`);
  await expect(page.getByText(/last used/)).toBeVisible();
  const { items } = await admin.audit.actions.query({ limit: 50 });
  expect(items.find((one) => one.action === 'console.signIn' && one.actorName === 'pia-of-keys')?.after).toMatchObject({
    by: 'passkey',
    passkey: { name: 'Desk at home' },
  });
});

test('an approval is confirmed with it, and the record names it', async () => {
  const client = await open(proxySettings(gateway));
  const answer = client.query('UPDATE vault_of_keys SET n = 2 WHERE id = 1 RETURNING n');
  const id = await waiting('SET n = 2');
  await page.goto(`${origin}/approvals/${id}`);
  await userVerified(false);
  await panel(page).getByRole('button', { name: 'Approve statement' }).click();
  await expect(panel(page).getByText('Your browser gave no passkey')).toBeVisible();
  await userVerified(true);
  await panel(page).getByRole('button', { name: 'Approve statement' }).click();
  expect((await answer).rows).toEqual([{ n: 2 }]);
  await expect(panel(page).getByText('confirmed with passkey “Desk at home”')).toBeVisible();

  const [passkey] = await admin.passkeys.list.query({ principal: 'pia-of-keys' });
  const { statementId } = await admin.approvals.get.query({ id });
  await expect
    .poll(async () => (await admin.audit.get.query({ id: statementId })).reviewers)
    .toEqual([{ name: 'pia-of-keys', decision: 'approve', passkey: passkey?.id }]);
  await page.goto(`${origin}/audit/${statementId}`);
  await expect(page.getByText(passkey?.id ?? 'no passkey', { exact: true })).toBeVisible();
  await client.end();
});

test('a token approves nothing that asks for a passkey', async () => {
  const client = await open(proxySettings(gateway));
  const answer = client.query('UPDATE vault_of_keys SET n = 3 WHERE id = 1').then(
    () => 'ran',
    (error: Error) => error.message,
  );
  const id = await waiting('SET n = 3');
  const { secret } = await admin.tokens.create.mutate({ principal: 'pia-of-keys', ttlMs: 60_000 });
  const tried = await gatehouse(gateway, ['approvals', 'approve', id], { GATEHOUSE_TOKEN: secret });
  expect(tried.stderr).toContain(`the rule asks for a passkey: approve it in the console, ${origin}/approvals/${id}`);
  await gatehouse(gateway, ['approvals', 'reject', id, '--reason', 'no'], { GATEHOUSE_TOKEN: secret });
  expect(await answer).toMatch(/rejected/);
  await client.end();
});

test('the rule’s editor and the list say so', async ({ page: asAdmin }) => {
  await asAdmin.goto(`${gateway.consoleUrl}/rules`);
  await expect(asAdmin.getByRole('listitem').filter({ hasText: RULE })).toContainText('1 approval from any reviewer, with a passkey');
  await asAdmin.getByRole('button', { name: `Edit ${RULE}`, exact: true }).click();
  await expect(asAdmin.getByLabel('Passkey')).toHaveValue('required');
});

test('another is added on another device with the word of the first, and removed by a signature', async () => {
  await page.goto(`${origin}/account`);
  await page.getByRole('button', { name: 'Add passkey' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Key ring');
  await page.getByRole('button', { name: 'Confirm with a passkey' }).click();
  await expect(page.getByText('Confirmed. Now your browser makes the new one.')).toBeVisible();
  // Another device is at hand, and the person touches that one.
  const keyRing = await addAuthenticator('usb');
  await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: false });
  await page.getByRole('button', { name: 'Create passkey' }).click();
  await expect(page.getByRole('heading', { name: 'Key ring' })).toBeVisible();
  await page.getByRole('button', { name: 'Remove Key ring' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove passkey' }).click();
  await expect(page.getByRole('heading', { name: 'Key ring' })).toBeHidden();
  await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: keyRing });
  await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: true });
  await expect(page.getByRole('heading', { name: 'Desk at home' })).toBeVisible();
});

test('an administrator removes it, and the browser that it signed in is signed out', async ({ page: asAdmin }) => {
  await asAdmin.goto(`${gateway.consoleUrl}/principals`);
  // Another file of the run leaves a person with a passkey of their own.
  const row = asAdmin.getByRole('listitem').filter({ has: asAdmin.getByRole('heading', { name: 'pia-of-keys', exact: true }) });
  await expect(row.getByText('1 passkey')).toBeVisible();
  await asAdmin.getByRole('button', { name: 'Tokens of pia-of-keys', exact: true }).click();
  await asAdmin.getByRole('button', { name: 'Remove passkey Desk at home' }).click();
  await asAdmin.getByRole('alertdialog').getByRole('button', { name: 'Remove passkey' }).click();
  await expect(asAdmin.getByText('None. pia-of-keys registers them')).toBeVisible();
  await page.goto(`${origin}/account`);
  await expect(page).toHaveURL(/\/sign-in/);
});
