import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
import { directSettings, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';
import { addLeastPrivilege, LEAST } from '../leastPrivilege';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
let least: Awaited<ReturnType<typeof addLeastPrivilege>>;
let direct: Awaited<ReturnType<typeof open>>;
let client: Awaited<ReturnType<typeof open>> | undefined;

test.beforeAll(async () => {
  test.setTimeout(120_000);
  direct = await open(directSettings(gateway));
  least = await addLeastPrivilege(gateway, admin);
});
test.afterAll(async () => {
  await client?.end();
  await direct.end();
  await least.undo();
});

async function panel(page: Page, name: string) {
  await page.goto(`${gateway.consoleUrl}/connections`);
  await page.getByRole('button', { name: `Enforcement of ${name}`, exact: true }).click();
  return page.getByRole('dialog');
}

test('Verify says why the demo’s role is not enforced by the database', async ({ page }) => {
  const sheet = await panel(page, 'shop');
  await sheet.getByRole('button', { name: 'Verify connection' }).click();
  await expect(sheet.getByText('The role owns public.customers, or may become its owner.')).toBeVisible();
  await expect(sheet.getByRole('status', { name: 'Verification' }).getByText('gateway-enforced', { exact: true })).toBeVisible();
  await expect(sheet.getByText('npx gatehouse connections harden shop')).toBeVisible();
});

test('a connection with least privilege is proved, and its sessions show it', async ({ page }) => {
  const sheet = await panel(page, LEAST);
  await expect(sheet.getByText('Never verified.')).toBeVisible();
  await sheet.getByRole('button', { name: 'Verify connection' }).click();
  await expect(sheet.getByRole('status', { name: 'Verification' }).getByText('database-enforced', { exact: true })).toBeVisible();
  await expect(sheet.getByText(/^(\d+) of \1 proved unreadable$/)).toBeVisible();
  await sheet.getByRole('button', { name: 'Close panel' }).click();
  await expect(page.getByText('database-enforced', { exact: true })).toHaveCount(1);

  await expect
    .poll(async () => {
      await client?.end();
      client = await open(proxySettings(gateway, { database: LEAST, applicationName: 'least privilege' }));
      await client.query('SELECT id, ssn FROM customers LIMIT 1');
      return (await admin.sessions.list.query({ state: 'open' })).items.find((row) => row.applicationName === 'least privilege')
        ?.enforcement;
    })
    .toBe('database');
  await page.goto(`${gateway.consoleUrl}/sessions`);
  const row = page.getByRole('listitem').filter({ hasText: 'least privilege' }).first();
  await expect(row.getByText('database-enforced')).toBeVisible();
  await row.getByRole('link').first().click();
  await expect(page.getByText('database-enforced').first()).toBeVisible();
  await page.getByRole('button', { name: 'Open record' }).click();
  await expect(page.getByRole('dialog').getByText('database-enforced')).toBeVisible();
});

test('what could cross is named, and a proof that no longer counts says so', async ({ page }) => {
  await direct.query("CREATE FUNCTION peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT ssn FROM customers LIMIT 1'");
  try {
    await page.goto(`${gateway.consoleUrl}/connections`);
    await expect(page.getByText('gateway-enforced (verification outdated)')).toBeVisible();
    const sheet = await panel(page, LEAST);
    await sheet.getByRole('button', { name: 'Verify connection' }).click();
    await expect(sheet.getByText('database-enforced except 1')).toBeVisible();
    await expect(sheet.getByText('function public.peek')).toBeVisible();
  } finally {
    await direct.query('DROP FUNCTION peek()');
  }
});

for (const scheme of ['light', 'dark'] as const)
  for (const width of [1280, 375])
    test(`axe finds nothing in lists and panel, ${scheme}, ${width} px`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 800 });
      const seen = await open(proxySettings(gateway, { database: LEAST, applicationName: 'seen' }));
      await seen.query('SELECT 1');
      for (const path of ['connections', 'sessions']) {
        await page.goto(`${gateway.consoleUrl}/${path}`);
        await expect(page.getByText('shop', { exact: false }).first()).toBeVisible();
        await page.waitForTimeout(500);
        await page.screenshot({ path: `test-results/pages/enforcement-${path}-${scheme}-${width}.png` });
        await expectAccessible(page);
      }
      await seen.end();
      const sheet = await panel(page, 'shop');
      await expect(sheet.getByText('Masked columns').first()).toBeVisible();
      await page.mouse.move(0, 0);
      await page.waitForTimeout(500);
      await page.screenshot({ path: `test-results/pages/enforcement-${scheme}-${width}.png` });
      await expectAccessible(page);
    });

async function expectAccessible(page: Page) {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
  expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.target.join(' ')}`)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
}
