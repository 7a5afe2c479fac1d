import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
import { directSettings, eventually, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const OBSERVED = 'browser-observes';

async function asOwner(sql: string): Promise<void> {
  const client = await open(directSettings(gateway));
  await client.query(sql);
  await client.end();
}

test.beforeAll(async () => {
  await asOwner(`
    create table browser_audit (at timestamptz default now(), row_before jsonb);
    create function browser_log() returns trigger language plpgsql
      as $$ begin insert into browser_audit (row_before) values (to_jsonb(old)); return old; end $$;
    create trigger browser_log after delete on customers for each row execute function browser_log();`);
  const rule = { name: OBSERVED, connections: ['shop'], columns: ['public.customers.phone'], mask: { type: 'redact' as const } };
  await admin.masking.save.mutate({ ...rule, mode: 'observe' });
});
test.afterAll(async () => {
  for (const rule of await admin.masking.list.query()) if (rule.name === OBSERVED) await admin.masking.remove.mutate({ id: rule.id });
  await asOwner('drop trigger browser_log on customers; drop function browser_log; drop table browser_audit');
});

async function check(page: Page, sql: string): Promise<void> {
  await page.getByLabel('As whom?').selectOption({ label: 'support-bot' });
  await page.getByLabel('SQL').fill(sql);
  await page.getByRole('button', { name: 'Check statement' }).click();
}

/** Axe and the width at this state of the page; leaves a picture. */
async function holds(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  expect(violations.map((violation) => `${name}: ${violation.id}: ${violation.nodes[0]?.target.join(' ')}`)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), name).toBe(0);
  await page.screenshot({ path: `test-results/pages/${name}.png`, fullPage: true });
}

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1280, 375]) {
    test(`the check explains each output column and each refusal, ${scheme}, ${width} px`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 900 });
      await page.goto(`${gateway.consoleUrl}/rules`);

      await check(page, 'SELECT id, email AS mail, lower(email), phone FROM customer_contacts');
      const rows = page.getByRole('list', { name: 'Output columns', exact: true }).locator(':scope > li');
      await expect(rows.nth(0)).toHaveText('1idas it is');
      await expect(rows.nth(1)).toContainText('copy ofpublic.customer_contacts.emailview ofpublic.customers.email');
      await expect(rows.nth(2)).toContainText('redactedcomputed frompublic.customer_contacts.email');
      await expect(rows.nth(3)).toHaveText('4phoneas it is');
      const observed = page.getByRole('list', { name: 'Output columns that would be masked' }).locator(':scope > li');
      await expect(observed).toHaveCount(1);
      await expect(observed).toContainText(`4phoneredacted`);
      await expect(observed).toContainText(OBSERVED);
      await holds(page, `check-resolved-${scheme}-${width}`);

      await check(page, "SELECT id FROM customers WHERE ssn LIKE '123%'");
      await expect(page.getByText('Compare with = instead of LIKE, or ask an administrator')).toBeVisible();
      await expect(page.getByText(/would decide the result through LIKE/)).toHaveCount(1);
      await holds(page, `check-refused-${scheme}-${width}`);

      await check(page, 'SELECT id, city FROM customers');
      await expect(page.getByText('Touches no masked column: everything leaves as it is.')).toBeVisible();
      await holds(page, `check-clean-${scheme}-${width}`);

      await page.goto(`${gateway.consoleUrl}/masking`);
      await page.getByRole('button', { name: 'What customer-email covers' }).click();
      const sheet = page.getByRole('dialog', { name: 'What customer-email covers' });
      const covered = sheet.getByRole('row');
      await expect(covered.filter({ hasText: 'public.customers.email' }).first()).toContainText('named by the rule');
      await expect(covered.filter({ hasText: 'public.customer_contacts.email' })).toContainText('view of public.customers.email');
      await expect(covered.filter({ hasText: 'public.browser_audit.row_before' })).toContainText('written by trigger of public.customers');
      await holds(page, `masking-covers-${scheme}-${width}`);
    });
  }
}

test('the rule of a masked column is one click away, and what it would mask while it observes', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/rules`);
  await check(page, 'SELECT ssn FROM customers');
  await page.getByRole('link', { name: 'customer-pii' }).click();
  await expect(page).toHaveURL(/\/masking\?rule=customer-pii/);
  await expect(page.locator('[aria-current=true]').filter({ hasText: 'customer-pii' })).toBeVisible();
  await page.getByRole('button', { name: `What ${OBSERVED} covers` }).click();
  const sheet = page.getByRole('dialog', { name: `What ${OBSERVED} covers` });
  await expect(sheet.getByText('Observe only: would be masked')).toBeVisible();
  await expect(sheet.getByRole('row').filter({ hasText: 'named by the rule' })).toContainText('public.customers.phone textredacted');
  await sheet.getByRole('button', { name: 'Close panel' }).click();
  await expect(sheet).toHaveCount(0);
});

test('a statement of the audit names the columns that left masked', async ({ page }) => {
  const client = await open(proxySettings(gateway));
  await client.query('SELECT ssn, email FROM customers /* explained */ LIMIT 1');
  await client.end();
  const statement = await eventually('recorded with its outcome', async () =>
    (await admin.audit.search.query({ q: 'explained' })).items.find((one) => one.maskedColumns.length === 2),
  );
  await page.setViewportSize({ width: 375, height: 900 });
  await page.goto(`${gateway.consoleUrl}/audit/${statement.id}`);
  await expect(page.getByRole('listitem').filter({ hasText: 'public.customers.ssn' })).toBeVisible();
  await holds(page, 'audit-masked-light-375');
});

test('what cannot be checked or read is said, and nothing is shown in its place', async ({ page }) => {
  await page.route(/api\/trpc\/[^?]*(?:check\.run|masking\.preview)/, (route) => route.abort());
  await page.goto(`${gateway.consoleUrl}/rules`);
  await check(page, 'SELECT 1');
  await expect(page.getByRole('alert').filter({ hasText: 'The statement could not be checked' })).toBeVisible();
  await page.goto(`${gateway.consoleUrl}/masking?preview=customer-pii`);
  await expect(page.getByRole('status', { name: 'Loading covered columns' })).toBeVisible();
  await expect(page.getByRole('alert').filter({ hasText: 'The columns of shop could not be read' })).toBeVisible({ timeout: 30_000 });
});
