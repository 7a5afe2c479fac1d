import AxeBuilder from '@axe-core/playwright';
import { type BrowserContext, expect, type Page, test } from '@playwright/test';
import { type Api, apiAsAdmin } from '../api';
import { codeAt } from '../authenticator';
import { gatehouse } from '../cli';
import { sharedGateway } from '../gateway';

test.describe.configure({ mode: 'serial', timeout: 120_000 });

const gateway = sharedGateway();
const NAME = 'lotte-of-the-lock';
const PASSWORD = 'herons stand in the shallow water';
const NEXT_PASSWORD = 'a lantern hangs above the old gate';

let admin: Api;
let principal: string;
let context: BrowserContext;
let page: Page;
let secret = '';
let recoveryCodes: string[] = [];

test.beforeAll(async ({ browser }) => {
  admin = apiAsAdmin(gateway);
  const known = (await admin.principals.list.query()).find(({ name }) => name === NAME);
  principal = (
    await admin.principals.save.mutate({
      ...(known === undefined ? {} : { id: known.id }),
      ...({ name: NAME, kind: 'human', role: 'reviewer', groups: [] } as const),
      email: 'lotte@example.com',
    })
  ).id;
  context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  page = await context.newPage();
});
test.afterAll(async () => {
  await context.close();
  await admin.localAccounts.remove.mutate({ principal: NAME }).catch(() => undefined);
  await admin.principals.disable.mutate({ id: principal });
});

/** Steps that were used; a code is taken once, so whoever has used them all waits for the next. */
const used = new Set<number>();
async function freshCode(of = secret): Promise<string> {
  for (;;) {
    // Not one that is over before it is typed.
    if (Date.now() % 30_000 > 22_000) await page.waitForTimeout(30_000 - (Date.now() % 30_000));
    const now = Math.floor(Date.now() / 30_000);
    const step = [now - 1, now, now + 1].find((one) => one > Math.max(0, ...used));
    if (step !== undefined) {
      used.add(step);
      return codeAt(of, new Date(step * 30_000));
    }
    await page.waitForTimeout(1_000);
  }
}

/** @param anew the page follows the system's theme only as it loads, and nothing on it is lost by that */
async function looksRight(name: string, { anew = false } = {}): Promise<void> {
  for (const [scheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['light', 375],
    ['dark', 375],
  ] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 800 });
    if (anew) await page.reload();
    await page.mouse.move(0, 0);
    // A colour on its way to another is neither.
    await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'));
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
    await page.screenshot({ path: `test-results/pages/${name}-${scheme}-${width}.png`, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 800 });
}

async function fillSignIn(code: string, { name = NAME, password = PASSWORD } = {}): Promise<void> {
  await page.getByLabel('Name or mail address').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('textbox', { name: 'Code', exact: true }).fill(code);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

async function signOut(): Promise<void> {
  // A page that is open goes to sign-in by itself, and would be in the way.
  await page.goto('about:blank');
  await context.clearCookies();
  await page.goto(`${gateway.consoleUrl}/sign-in`);
}

const REFUSED = 'You were not signed in: name, password and code do not fit together.';

test('by a one-time link a person comes to their account, and sets up password, authenticator and recovery codes', async () => {
  await page.goto((await gatehouse(gateway, ['sign-in', '--principal', NAME])).stdout.trim());
  await expect(page).toHaveURL(`${gateway.consoleUrl}/`);
  await page.goto(`${gateway.consoleUrl}/account`);
  await expect(page.getByText('No password yet')).toBeVisible();
  await page.getByRole('button', { name: 'Set up a password' }).click();
  await expect(page.getByRole('img', { name: 'QR code of the authenticator key' })).toBeVisible();
  secret = ((await page.getByTestId('authenticator-key').textContent()) ?? '').replace(/\s/g, '');
  expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  await page.getByLabel('New password', { exact: true }).fill('lotte-of-the-lock');
  await page.getByLabel('New password again').fill('lotte-of-the-lick');
  await page.getByRole('textbox', { name: 'Code', exact: true }).fill('000000');
  await page.getByRole('button', { name: 'Set up password' }).click();
  await expect(page.getByText('not the same as the first')).toBeVisible();
  await page.getByLabel('New password again').fill('lotte-of-the-lock');
  await page.getByRole('button', { name: 'Set up password' }).click();
  await expect(page.getByText(/too easy to guess/)).toBeVisible();
  await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('New password again').fill(PASSWORD);
  await page.getByRole('textbox', { name: 'Code', exact: true }).fill('000000');
  await page.getByRole('button', { name: 'Set up password' }).click();
  await expect(page.getByText(/not the code that the authenticator shows/)).toBeVisible();
  await looksRight('account-set-up-password');
  await page.getByRole('textbox', { name: 'Code', exact: true }).fill(await freshCode());
  await page.getByRole('button', { name: 'Set up password' }).click();
  const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
  await expect(codes).toHaveCount(10);
  recoveryCodes = await codes.allTextContents();
  await looksRight('account-recovery-codes');
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await expect(page.getByText('10 left')).toBeVisible();
  await looksRight('account-password');
});

test('signed out, name, password and code sign in again; a used code, a wrong password and a stranger read one answer', async () => {
  await signOut();
  await expect(page.getByLabel('Name or mail address')).toBeVisible();
  await looksRight('sign-in-password', { anew: true });
  const code = await freshCode();
  await fillSignIn(code);
  await expect(page).toHaveURL(`${gateway.consoleUrl}/`);
  const cookie = (await context.cookies()).find(({ name }) => /session/.test(name));
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  await signOut();
  for (const [wrongCode, wrong] of [
    [code, {}],
    ['000000', {}],
    ['000000', { password: 'not what it is at all' }],
    ['000000', { name: 'nobody-of-this-name' }],
  ] as const) {
    await fillSignIn(wrongCode, wrong);
    await expect(page.getByRole('alert').filter({ hasText: REFUSED })).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Code', exact: true })).toHaveValue('');
  }
  await looksRight('sign-in-password-refused');
});

test('a recovery code stands in once', async () => {
  await fillSignIn(recoveryCodes[0] ?? '', { name: 'Lotte@example.com' });
  await expect(page).toHaveURL(`${gateway.consoleUrl}/`);
  await page.goto(`${gateway.consoleUrl}/account`);
  await expect(page.getByText('9 left')).toBeVisible();
  await signOut();
  await fillSignIn(recoveryCodes[0] ?? '');
  await expect(page.getByRole('alert').filter({ hasText: REFUSED })).toBeVisible();
  await fillSignIn(await freshCode());
  await expect(page).toHaveURL(`${gateway.consoleUrl}/`);
});

test('changing the password asks for the current one, and signs out whoever it had signed in', async () => {
  await page.goto(`${gateway.consoleUrl}/account`);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByLabel('New password', { exact: true }).fill(NEXT_PASSWORD);
  await page.getByLabel('New password again').fill(NEXT_PASSWORD);
  await page.getByLabel('Current password').fill('not what it is at all');
  await page.getByLabel('Current code').fill(recoveryCodes[1] ?? '');
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText(/current password or its code is wrong/)).toBeVisible();
  await looksRight('account-change-password');
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await fillSignIn(recoveryCodes[2] ?? '');
  await expect(page.getByRole('alert').filter({ hasText: REFUSED })).toBeVisible();
  await fillSignIn(recoveryCodes[2] ?? '', { password: NEXT_PASSWORD });
  await expect(page).not.toHaveURL(/\/sign-in/);
});

test('a person removes their own with password and code, and may set up another', async () => {
  await page.goto(`${gateway.consoleUrl}/account`);
  await page.getByRole('button', { name: 'Remove password' }).click();
  await page.getByLabel('Current password').fill('not what it is at all');
  await page.getByLabel('Current code').fill(recoveryCodes[3] ?? '');
  await page.getByRole('button', { name: 'Remove password' }).click();
  await expect(page.getByText(/current password or its code is wrong/)).toBeVisible();
  await looksRight('account-remove-password');
  await page.getByLabel('Current password').fill(NEXT_PASSWORD);
  await page.getByRole('button', { name: 'Remove password' }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await page.goto((await gatehouse(gateway, ['sign-in', '--principal', NAME])).stdout.trim());
  await expect(page).toHaveURL(`${gateway.consoleUrl}/`);
  await page.goto(`${gateway.consoleUrl}/account`);
  await expect(page.getByText('No password yet')).toBeVisible();
  await page.getByRole('button', { name: 'Set up a password' }).click();
  secret = ((await page.getByTestId('authenticator-key').textContent()) ?? '').replace(/\s/g, '');
  await page.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('New password again').fill(PASSWORD);
  await page.getByRole('textbox', { name: 'Code', exact: true }).fill(await freshCode());
  await page.getByRole('button', { name: 'Set up password' }).click();
  const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
  await expect(codes).toHaveCount(10);
  const fresh = await codes.allTextContents();
  recoveryCodes.push(...fresh);
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await expect(page.getByText('10 left')).toBeVisible();
  await signOut();
  await fillSignIn(fresh[0] ?? '');
  await expect(page).toHaveURL(`${gateway.consoleUrl}/`);
});

test('an administrator removes it: the browser is signed out, and the record has all of it without a secret', async ({ page: asAdmin }) => {
  await asAdmin.goto(`${gateway.consoleUrl}/principals`);
  await asAdmin.getByRole('button', { name: `Tokens of ${NAME}`, exact: true }).click();
  await asAdmin.getByRole('button', { name: 'Remove password' }).click();
  await asAdmin.getByRole('alertdialog').getByRole('button', { name: 'Remove password' }).click();
  await expect(asAdmin.getByRole('button', { name: 'Remove password' })).toBeHidden();
  await page.goto(`${gateway.consoleUrl}/account`);
  await expect(page).toHaveURL(/\/sign-in/);
  const { items } = await admin.audit.actions.query({});
  const said = items.filter(({ subject, actorName }) => subject === NAME || actorName === NAME).map(({ action }) => action);
  for (const action of ['localAccount.enrol', 'localAccount.changePassword', 'localAccount.remove', 'console.signIn'])
    expect(said).toContain(action);
  const text = JSON.stringify(items);
  for (const one of [PASSWORD, NEXT_PASSWORD, secret, ...recoveryCodes]) expect(text).not.toContain(one);
  expect((await gatehouse(gateway, ['principals', 'remove-password', NAME])).stderr).toContain('has no password here');
});
