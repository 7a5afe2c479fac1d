import { expect, test } from '@playwright/test';
import { apiAs, apiAsAdmin } from '../api';
import { failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);

test('the statements a client runs are in the audit: a denial with its rule, a masked column, a search that narrows', async ({ page }) => {
  const mark = `seen_${Date.now().toString(36)}`;
  const client = await open(proxySettings(gateway));
  await failure(client.query(`DROP TABLE ${mark}_denied`));
  await client.query(`SELECT ssn AS ${mark}_masked FROM customers LIMIT 1`);
  await expect.poll(async () => (await admin.audit.search.query({ q: mark })).items.length).toBe(2);

  await page.goto(`${gateway.consoleUrl}/audit`);
  const search = page.getByRole('combobox', { name: 'Search statements' });
  await search.fill(mark);
  await search.press('Enter');
  await expect(page.getByText('2 statements', { exact: true })).toBeVisible();
  await search.fill(`${mark} verdict:denied`);
  await search.press('Enter');
  await expect(page.getByText('1 statement', { exact: true })).toBeVisible();
  await expect(page).toHaveURL(/verdict/);
  await page
    .getByRole('link')
    .filter({ hasText: `${mark}_denied` })
    .click();
  const sheet = page.getByRole('region', { name: 'Statement' }).first();
  for (const words of ['no-destruction', '42501', 'support-bot']) await expect(sheet.getByText(words).first()).toBeVisible();

  // The URL is the whole state.
  const url = page.url();
  await page.goto('about:blank');
  await page.goto(url);
  await expect(page.getByRole('region', { name: 'Statement' }).first().getByText('no-destruction').first()).toBeVisible();

  await page.goto(`${gateway.consoleUrl}/audit?q=${mark}_masked`);
  await page
    .getByRole('link')
    .filter({ hasText: `${mark}_masked` })
    .click();
  await expect(page.getByRole('region', { name: 'Statement' }).first().getByText('customers.ssn').first()).toBeVisible();
  await client.end();
});

test('a word the query bar does not know is said', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/audit?q=${encodeURIComponent('colour:blue')}`);
  await expect(page.getByRole('alert').filter({ hasText: 'colour:blue' })).toBeVisible();
});

test('live tail: a statement appears by itself', async ({ page }) => {
  const mark = `tail_${Date.now().toString(36)}`;
  await page.goto(`${gateway.consoleUrl}/audit`);
  await page.getByRole('button', { name: 'Start live tail' }).click();
  await expect(page.getByRole('button', { name: 'Pause live tail' })).toBeVisible();
  await page.waitForTimeout(500);
  const client = await open(proxySettings(gateway));
  await client.query(`SELECT 1 AS ${mark}`);
  await expect(page.getByRole('link').filter({ hasText: mark }).first()).toBeVisible({ timeout: 5_000 });
  await client.end();
});

test('sessions: an open client is listed with what it ran, and can be terminated', async ({ page }) => {
  const client = await open(proxySettings(gateway, { applicationName: 'to-be-terminated' }));
  await client.query("SELECT 'from the session page'");
  const session = (await admin.sessions.list.query({ state: 'open' })).items.find((one) => one.applicationName === 'to-be-terminated');
  await page.goto(`${gateway.consoleUrl}/sessions/${session?.id}`);
  await expect(page.getByText("SELECT 'from the session page'").first()).toBeVisible();
  await page
    .getByRole('button', { name: /Terminate/ })
    .first()
    .click();
  await page
    .getByRole('alertdialog')
    .or(page.getByRole('dialog'))
    .getByRole('button', { name: /Terminate/ })
    .click();
  await expect.poll(() => (client.lost[0] as { code?: string } | undefined)?.code).toBe('57P01');
  await expect(page.getByText(/ended|closed|terminated/i).first()).toBeVisible();
});

test('masking: the rule, its columns and its mode are on the page', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/masking`);
  for (const words of ['customer-pii', 'public.customers.ssn']) await expect(page.getByText(words).first()).toBeVisible();
  await expect(page.getByText('keeps the last 4').first()).toBeVisible();
  await expect(page.getByText('Observe only')).toHaveCount(0);
  await page.getByRole('button', { name: 'Edit customer-pii' }).click();
  const sheet = page.getByRole('dialog');
  await expect(sheet.getByLabel('Mode')).toHaveValue('enforce');
  await sheet.getByLabel('Mode').selectOption('observe');
  await sheet.getByRole('button', { name: /^Save/ }).click();
  await expect(page.getByText('Observe only')).toBeVisible();
  // What the page says is what traffic meets.
  const client = await open(proxySettings(gateway));
  const shown = async () => (await client.query('SELECT ssn FROM customers WHERE id = 6')).rows[0].ssn as string;
  try {
    await expect.poll(shown).toMatch(/^\d{3}-\d{2}-\d{4}$/);
    await page.getByRole('button', { name: 'Edit customer-pii' }).click();
    await sheet.getByLabel('Mode').selectOption('enforce');
    await sheet.getByRole('button', { name: /^Save/ }).click();
    await expect(page.getByText('Observe only')).toHaveCount(0);
    await expect.poll(shown).toMatch(/^\*{3}-\*{2}-\d{4}$/);
  } finally {
    const rule = (await admin.masking.list.query()).find((one) => one.name === 'customer-pii');
    if (rule !== undefined) await admin.masking.save.mutate({ ...rule, mode: 'enforce' });
    await client.end();
  }
});

test('rules: what holds and what denies is on the page', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/rules`);
  for (const words of ['no-destruction', 'review-deletes', 'review-mass-writes']) await expect(page.getByText(words).first()).toBeVisible();
});

test('policy as code shows the document that is in force', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/policy`);
  await expect(page.getByText('review-deletes').first()).toBeVisible();
});

test('connections: test shows its stages', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/connections`);
  await expect(page.getByRole('heading', { name: 'shop' })).toBeVisible();
  const direct = page.getByRole('button', { name: /^Test shop/ });
  if ((await direct.count()) > 0) await direct.click();
  else {
    await page.getByRole('button', { name: 'Edit shop' }).click();
    await page.getByRole('button', { name: /^Test/ }).click();
  }
  const stages = page.getByRole('status', { name: 'Connection test' });
  for (const stage of ['TCP', 'sign-in', 'version', 'role', 'catalog'])
    await expect(stages.getByText(stage, { exact: true })).toBeVisible();
  await expect(stages.getByText('failed')).toHaveCount(0);
  await expect(page.locator('body')).not.toContainText('password":"');
});

test('connections: the connect panel gives lines without a secret', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/connections`);
  await page.getByRole('button', { name: 'Connect to shop' }).click();
  const sheet = page.getByRole('dialog');
  await expect(sheet).toContainText(`port=${gateway.proxyPort}`);
  await expect(sheet).not.toContainText('gh_at_');
});

test('principals: a token is made, shown once, and signs in', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/principals`);
  await page.getByRole('button', { name: 'Tokens of support-bot' }).click();
  const sheet = page.getByRole('dialog', { name: 'Tokens of support-bot' });
  await sheet.getByLabel('Label').fill('from the browser');
  await sheet.getByRole('button', { name: 'Create token' }).click();
  const token =
    /gh_at_[\w-]+/.exec(
      (await sheet
        .getByText(/^gh_at_/)
        .first()
        .textContent()) ?? '',
    )?.[0] ?? '';
  expect(token).toMatch(/^gh_at_[\w-]{20,}$/);
  const client = await open(proxySettings(gateway, { password: token }));
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await client.end();
  expect((await apiAs(gateway, token).me.get.query()).name).toBe('support-bot');
  await page.reload();
  await expect(page.locator('body')).not.toContainText(token);

  await page.getByRole('button', { name: 'Tokens of support-bot' }).click();
  await page.getByRole('button', { name: 'Revoke token from the browser' }).first().click();
  await page.getByRole('button', { name: 'Revoke token', exact: true }).click();
  await expect
    .poll(async () =>
      failure(open(proxySettings(gateway, { password: token }))).then(
        (error) => error.code,
        () => undefined,
      ),
    )
    .toBe('28P01');
});

test('the theme can be chosen and stays, without a flash of the other', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(`${gateway.consoleUrl}/`);
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.getByRole('button', { name: 'Dark theme' }).click();
  await expect.poll(background).not.toBe(light);
  const dark = await background();
  await page.reload({ waitUntil: 'commit' });
  await page.waitForSelector('body');
  expect(await background()).toBe(dark);
  await page.getByRole('button', { name: 'Theme of this device' }).click();
});

test('Ctrl+K finds a page', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/`);
  await page.waitForTimeout(300);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('masking');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/masking/);
});
