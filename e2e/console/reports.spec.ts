import { expect, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
import { gatehouse } from '../cli';
import { failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const today = () => new Date().toISOString().slice(0, 10);

test.beforeAll(async () => {
  const client = await open(proxySettings(gateway));
  await client.query('SELECT id, ssn FROM customers LIMIT 5');
  await failure(client.query('DROP TABLE customers'));
  await failure(client.query('SELECT 1/0'));
  await client.end();
  await expect
    .poll(async () => (await admin.reports.daily.query({ day: today() })).totals)
    .toMatchObject({ denied: expect.any(Number), errors: expect.any(Number) });
});

test('the day in figures, by principal, and what is unusual; each leads to its statements', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/reports`);
  await expect(page.getByRole('heading', { name: 'Daily report' })).toBeVisible();
  const { totals } = await admin.reports.daily.query({ day: today() });
  expect(totals.maskedValues).toBeGreaterThanOrEqual(5);
  await expect(page.getByRole('link', { name: /^Statements: [\d,]+$/ })).toBeVisible();
  const bot = page.getByRole('region', { name: 'Principals' }).getByRole('listitem').filter({ hasText: 'support-bot for ana' });
  await expect(bot.getByRole('img', { name: /statements by hour/ })).toBeVisible();
  await expect(bot.getByRole('link', { name: /^public\./ }).first()).toBeVisible();

  // A store of today knows no day before: everything is the first time.
  const unusual = page.getByRole('listitem').filter({ hasText: 'First seen' }).filter({ hasText: 'support-bot' });
  await expect(unusual).toContainText('first day here');
  await unusual.getByRole('link').click();
  await expect(page).toHaveURL(/\/audit\?.*who%3Asupport-bot.*from=.*to=/);
  await expect(page.getByText(/^[\d,]+\+? statements$/)).toBeVisible();
});

test('another day, by the arrows and by the URL; a day without statements says so', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/reports?day=2020-02-29`);
  await expect(page.getByText('Nothing happened on this day')).toBeVisible();
  await page.getByRole('button', { name: 'Day after' }).click();
  await expect(page).toHaveURL(/day=2020-03-01/);
  await expect(page.getByLabel('Day', { exact: true })).toHaveValue('2020-03-01');
});

test('on paper there is the report and nothing to press', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/reports`);
  await expect(page.getByRole('region', { name: 'Principals' })).toBeVisible();
  await page.emulateMedia({ media: 'print' });
  await expect(page.getByRole('navigation', { name: 'Console' }).first()).toBeHidden();
  await expect(page.getByRole('button', { name: 'Print report' })).toBeHidden();
  await expect(page.getByRole('region', { name: 'Principals' })).toBeVisible();
});

test('the command line says the same', async () => {
  const json = await gatehouse(gateway, ['report', '--day', today(), '--time-zone', 'UTC', '--json']);
  expect(json.code).toBe(0);
  const report = JSON.parse(json.stdout) as { day: string; timeZone: string; principals: { principalName: string; denied: number }[] };
  expect(report).toMatchObject({ day: today(), timeZone: 'UTC' });
  expect(report.principals.find((one) => one.principalName === 'support-bot')?.denied).toBeGreaterThan(0);
  const text = await gatehouse(gateway, ['report', '--time-zone', 'UTC']);
  expect(text.stdout).toContain(`${today()} (UTC), so far: `);
  expect(text.stdout).toMatch(/PRINCIPAL +STATEMENTS/);
  expect((await gatehouse(gateway, ['report', '--day', 'yesterday'])).code).not.toBe(0);
});
