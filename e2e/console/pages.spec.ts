import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
import { failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';
import { PAGES } from './paths';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);

let client: Awaited<ReturnType<typeof open>>;
let held: Promise<unknown>;
test.beforeAll(async () => {
  // Every page has something to show: an answered, a failed, a denied, a masked and a waiting statement.
  client = await open(proxySettings(gateway));
  await client.query('SELECT id, name, ssn FROM customers LIMIT 3');
  await failure(client.query('SELECT 1/0'));
  await failure(client.query('DROP TABLE customers'));
  const waiting = await open(proxySettings(gateway));
  held = failure(waiting.query("DELETE FROM orders WHERE id = 2147483003 AND status = 'cancelled'")).then(() => waiting.end());
  await expect
    .poll(async () => (await admin.approvals.list.query({ status: 'open' })).items.some((item) => item.sql.includes('2147483003')))
    .toBe(true);
});
test.afterAll(async () => {
  for (const item of (await admin.approvals.list.query({ status: 'open' })).items)
    await admin.approvals.reject.mutate({ id: item.id, reason: 'end of test' });
  await held;
  await client.end();
});

async function detailPages(): Promise<string[]> {
  const [request] = (await admin.approvals.list.query({ status: 'open' })).items;
  const statement =
    (await admin.audit.search.query({ q: '2147483003' })).items[0] ?? (await admin.audit.search.query({ q: 'ssn' })).items[0];
  const session = (await admin.sessions.list.query({ state: 'open' })).items[0];
  return [`/approvals/${request?.id}`, `/audit/${statement?.id}`, `/sessions/${session?.id}`];
}

const EVERYTHING = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SIDEWAYS = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;

for (const width of [1280, 375]) {
  test(`axe finds nothing on any page in light or dark, and none scrolls sideways, ${width} px`, async ({ page }) => {
    test.setTimeout(240_000);
    await page.setViewportSize({ width, height: 800 });
    const problems: string[] = [];
    for (const path of [...PAGES, ...(await detailPages()), '/sign-in?link=gh_ln_example']) {
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await page.goto(`${gateway.consoleUrl}${path}`);
      await expect(page.getByRole('heading').first()).toBeVisible();
      await expect(page.getByRole('status').filter({ hasText: /^Loading/ })).toHaveCount(0);
      await page.waitForLoadState('domcontentloaded');
      // Skeletons give way to what was asked for.
      await page.waitForTimeout(400);
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        await expect(page.locator('html')).toHaveAttribute('data-theme', scheme);
        const axe = new AxeBuilder({ page });
        // The same page in other colours: what they can make wrong is contrast alone.
        const { violations } = await (scheme === 'light' ? axe.withTags(EVERYTHING) : axe.withRules('color-contrast')).analyze();
        for (const violation of violations) {
          const where = violation.nodes
            .slice(0, 3)
            .map((node) => `${node.target.join(' ')} ${node.failureSummary?.split('\n').at(-1)?.trim() ?? ''}`);
          problems.push(`${path}, ${scheme}: ${violation.id} (${violation.impact}): ${where.join(' | ')}`);
        }
        const name = path === '/' ? 'overview' : path.slice(1).replace(/[/?=].*/, (rest) => (rest.startsWith('/') ? '-detail' : ''));
        await page.screenshot({ path: `test-results/pages/${name}-${scheme}-${width}.png`, fullPage: false });
      }
      expect(await page.evaluate(SIDEWAYS), path).toBe(0);
    }
    expect(problems).toEqual([]);
  });
}

test('every page has its own title and heading, and none reports an error', async ({ page }) => {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(`${page.url()}: ${message.text()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 500) errors.push(`${response.status()} ${response.url()}`);
  });
  const titles = new Set<string>();
  for (const path of [...PAGES, ...(await detailPages())]) {
    await page.goto(`${gateway.consoleUrl}${path}`);
    await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible();
    await page.waitForTimeout(300);
    titles.add((await page.title()).replace(/^\(\d+\) /, ''));
  }
  expect(errors).toEqual([]);
  expect(titles.size).toBeGreaterThanOrEqual(PAGES.length);
});

test('a page that does not exist says so', async ({ page }) => {
  const response = await page.goto(`${gateway.consoleUrl}/nothing-here`);
  expect(response?.status()).toBe(404);
  await expect(page.getByRole('heading').first()).toBeVisible();
});

test('answers carry the headers a browser needs', async ({ page }) => {
  const response = await page.goto(`${gateway.consoleUrl}/approvals`);
  const headers = response?.headers() ?? {};
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['x-frame-options'] ?? headers['content-security-policy']).toMatch(/DENY|SAMEORIGIN|frame-ancestors/);
  expect(headers['x-powered-by']).toBeUndefined();
});
