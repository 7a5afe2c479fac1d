import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { adminToken, apiAs, apiAsAdmin, makePrincipal } from '../api';
import { failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
/** Makes this run's statements findable by their text. */
const mark = `explore_${Date.now().toString(36)}`;

test.beforeAll(async () => {
  const client = await open(proxySettings(gateway, { applicationName: 'explorer' }));
  for (let i = 0; i < 12; i++) await client.query(`SELECT ${i} AS ${mark} FROM products LIMIT ${i}`);
  await client.query(`SELECT ssn AS ${mark} FROM customers LIMIT 3`);
  await failure(client.query(`DROP TABLE ${mark}`));
  await failure(client.query(`SELECT 1/0 AS ${mark}`));
  await client.end();
  await expect.poll(async () => (await admin.audit.search.query({ q: `${mark} status:failed` })).count.value).toBe(1);
});

const bar = (page: Page) => page.getByRole('combobox', { name: 'Search statements' });
const rows = (page: Page) => page.getByRole('link').filter({ hasText: mark });
const goto = async (page: Page, query: string) => {
  await page.goto(`${gateway.consoleUrl}/audit?${query}`);
  await expect(page.getByText(/^[\d,]+\+? statements?$/)).toBeVisible();
};
const found = (page: Page, count: number) =>
  expect(page.getByText(`${count} ${count === 1 ? 'statement' : 'statements'}`, { exact: true })).toBeVisible();

test('the bar completes words, and values with their counts, by the keyboard alone', async ({ page }) => {
  await goto(page, `q=${mark}`);
  await found(page, 15);
  await bar(page).click();
  await page.keyboard.press('End');
  await page.keyboard.type(' verd');
  await expect(page.getByRole('option', { name: /^verdict:/ })).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(bar(page)).toHaveValue(`${mark} verdict:`);
  await page.keyboard.type('den');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await found(page, 1);
  await expect(page).toHaveURL(/verdict(%3A|:)denied/);
  await page.keyboard.type('who:sup');
  await expect(page.getByRole('option', { name: /who:support-bot.*1/ })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('listbox', { name: 'Words and values' })).toBeHidden();
});

test('facets are the same state as the bar, and a chosen one can be exchanged', async ({ page }) => {
  await goto(page, `q=${mark}`);
  const filters = page.getByRole('region', { name: 'Filters' });
  await filters.getByRole('button', { name: /^DROP TABLE/ }).click();
  await found(page, 1);
  await expect(bar(page)).toHaveValue(new RegExp(`kind:"DROP TABLE".*${mark}`));
  await filters.getByRole('button', { name: /^SELECT/ }).click();
  await found(page, 14);
  await expect(filters.getByRole('button', { name: /^SELECT/ })).toHaveAttribute('aria-pressed', 'true');
  await filters.getByRole('button', { name: /^SELECT/ }).click();
  await found(page, 15);
});

test('order, columns, range and the open row are in the URL, and come back from it', async ({ page }) => {
  await goto(page, `q=${mark}`);
  await page.getByRole('combobox', { name: 'Order' }).selectOption('Oldest first');
  await expect(rows(page).first()).toContainText('SELECT 0');
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'SQLSTATE' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Connection' }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('combobox', { name: 'Time range' }).selectOption('Last hour');
  await rows(page).first().click();
  const url = page.url();
  for (const part of [/sort=oldest/, /cols=.*sqlstate/, /range=1h/, /stm=stm_/]) expect(url).toMatch(part);
  await page.goto('about:blank');
  await page.goto(url);
  const panel = page.getByRole('region', { name: 'Statement' }).first();
  await expect(panel.getByText('· explorer')).toBeVisible();
  await expect(rows(page).first()).toContainText('SELECT 0');
  await page.getByRole('button', { name: 'Columns' }).click();
  await expect(page.getByRole('menuitemcheckbox', { name: 'SQLSTATE' })).toBeChecked();
  await expect(page.getByRole('menuitemcheckbox', { name: 'Connection' })).not.toBeChecked();
});

test('a copied link has instants in place of relative times', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await goto(page, `q=${mark}&range=1h`);
  await page.getByRole('button', { name: 'Copy link' }).first().click();
  const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
  expect(link.searchParams.get('q')).toBe(mark);
  expect(link.searchParams.has('range')).toBe(false);
  const [from, to] = ['from', 'to'].map((name) => Date.parse(link.searchParams.get(name) ?? ''));
  expect((to ?? 0) - (from ?? 0)).toBeGreaterThanOrEqual(3_600_000);
  expect((to ?? 0) - (from ?? 0)).toBeLessThan(3_700_000);
});

test('a statement opens beside the rows, which stay usable; keys move, Escape closes', async ({ page }) => {
  await goto(page, `q=${mark}`);
  await rows(page).nth(1).click();
  const panel = page.getByRole('region', { name: 'Statement' }).first();
  await expect(panel).toBeVisible();
  const first = await panel.getByText(/^stm_/).first().textContent();
  await rows(page).nth(2).click();
  await expect(panel.getByText(first ?? '')).toHaveCount(0);
  await page.keyboard.press('k');
  await expect(panel.getByText(first ?? '').first()).toBeVisible();
  for (const button of ['Copy SQL', 'Copy JSON', 'Copy link', 'Verify statement'])
    await expect(panel.getByRole('button', { name: button }).first()).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(panel).toHaveCount(0);
  await expect(page).not.toHaveURL(/stm=/);
});

test('on a phone it is a drawer from below, and the filters are one too', async ({ page }) => {
  await page.setViewportSize({ width: 375, height: 800 });
  await goto(page, `q=${mark}`);
  await rows(page).first().click();
  const drawer = page.getByRole('dialog', { name: 'Statement' });
  await expect(drawer).toBeVisible();
  const box = await drawer.boundingBox();
  expect((box?.y ?? 0) + (box?.height ?? 0)).toBeGreaterThan(790);
  await page.keyboard.press('Escape');
  await expect(drawer).toHaveCount(0);
  await page.getByRole('button', { name: 'Show views and filters' }).click();
  await expect(page.getByRole('dialog', { name: 'Views and filters' }).getByRole('button', { name: /^support-bot/ })).toBeVisible();
});

test('similar statements, and a rule made from this', async ({ page }) => {
  await goto(page, `q=${encodeURIComponent(`${mark} kind:SELECT table:products`)}`);
  await rows(page).first().click();
  await page.getByRole('link', { name: 'Similar statements' }).click();
  await expect(page).toHaveURL(/fingerprint/);
  await expect(rows(page).first()).toBeVisible();
  await rows(page).first().click();
  await page.getByRole('link', { name: 'Make a rule from this' }).click();
  const editor = page.getByRole('dialog');
  await expect(editor.getByLabel('Name')).toHaveValue('review-select');
  await expect(editor.getByText('public.products')).toBeVisible();
});

test('the histogram zooms by keyboard and by pointer, and out again', async ({ page }) => {
  await goto(page, `q=${mark}`);
  const time = page.getByRole('slider');
  await time.focus();
  await page.keyboard.press('End');
  await expect(time).toHaveAttribute('aria-valuetext', /allowed, \d+ held/);
  await page.keyboard.press('Shift+ArrowLeft');
  await expect(time).toHaveAttribute('aria-valuetext', / to /);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/from=.*to=/);
  const spanOf = () => {
    const { searchParams } = new URL(page.url());
    return Date.parse(searchParams.get('to') ?? '') - Date.parse(searchParams.get('from') ?? '');
  };
  const narrow = spanOf();
  await page.getByRole('button', { name: 'Zoom out' }).click();
  await expect.poll(spanOf).toBeGreaterThan(narrow);
  await page.getByRole('button', { name: 'Clear chosen range' }).click();
  await expect(page).not.toHaveURL(/from=/);
  const box = await time.boundingBox();
  if (box === null) throw new Error('the histogram is not shown');
  await page.mouse.move(box.x + box.width * 0.5, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.98, box.y + 20, { steps: 4 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=.*to=/);
  await found(page, 15);
});

test('live tail: pause holds the rows still and counts what comes, of this search alone', async ({ page }) => {
  const live = `live_${Date.now().toString(36)}`;
  const client = await open(proxySettings(gateway));
  await client.query(`SELECT 1 AS ${live}`);
  await page.goto(`${gateway.consoleUrl}/audit?q=${live}&live=true`);
  await expect(page.getByRole('link').filter({ hasText: live })).toHaveCount(1);
  await page.getByRole('button', { name: 'Pause live tail' }).click();
  for (let i = 0; i < 3; i++) await client.query(`SELECT ${i} AS ${live}`);
  await client.query('SELECT 42');
  await expect(page.getByRole('button', { name: '3 new while paused' })).toBeVisible();
  await expect(page.getByRole('link').filter({ hasText: live })).toHaveCount(1);
  await page.getByRole('button', { name: '3 new while paused' }).click();
  await expect(page.getByRole('link').filter({ hasText: live })).toHaveCount(4);
  await page.getByRole('button', { name: 'Stop live tail' }).click();
  await expect(page).not.toHaveURL(/live=/);
  await client.end();
});

test('a view is saved, comes back, is shared, and goes', async ({ page }) => {
  const name = `Denied ${mark}`;
  await goto(page, `q=${encodeURIComponent(`${mark} verdict:denied`)}&sort=oldest&range=7d`);
  await page.getByRole('button', { name: 'Save this view' }).click();
  const editor = page.getByRole('dialog', { name: 'Save view' });
  await editor.getByLabel('Name').fill(name);
  await editor.getByLabel('Share it with everybody').check();
  await editor.getByRole('button', { name: 'Save view' }).click();
  await page.goto(`${gateway.consoleUrl}/audit`);
  await page.getByRole('button', { name: new RegExp(`^${name}`) }).click();
  await found(page, 1);
  for (const part of [/sort=oldest/, /range=7d/, /verdict/]) await expect(page).toHaveURL(part);

  const auditor = apiAs(
    gateway,
    await makePrincipal(admin, { name: 'e2e-viewer', kind: 'human', groups: [], role: 'auditor', email: 'viewer@example.com' }),
  );
  expect((await auditor.views.list.query()).find((view) => view.name === name)).toMatchObject({ own: false, shared: true });

  await page.getByRole('button', { name: `Actions of view ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Remove view' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove view' }).click();
  await expect(page.getByRole('button', { name: new RegExp(`^${name}`) })).toHaveCount(0);
  const actions = async () => {
    const { items } = await admin.audit.actions.query({ limit: 20 });
    return items.filter((item) => item.subject === name).map((item) => item.action);
  };
  await expect.poll(actions).toEqual(['view.remove', 'view.create']);
});

test('what the search finds leaves as CSV and as JSON Lines, and both are actions', async ({ page }) => {
  await goto(page, `q=${mark}`);
  for (const [item, extension] of [
    ['CSV', 'csv'],
    ['JSON Lines', 'jsonl'],
  ] as const) {
    await page.getByRole('button', { name: 'Export' }).click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: item }).click()]);
    expect(file.suggestedFilename()).toMatch(new RegExp(`^statements-.*\\.${extension}$`));
    const lines = readFileSync(await file.path(), 'utf8')
      .trimEnd()
      .split(/\r?\n/);
    expect(lines).toHaveLength(extension === 'csv' ? 16 : 15);
    if (extension === 'csv') expect(lines[0]).toMatch(/^id,at,principalName,/);
    else expect(JSON.parse(lines[0] ?? '')).toMatchObject({ principalName: 'support-bot', status: 'failed', sqlstate: '22012' });
    await expect(page.getByText('15 statements exported', { exact: false }).first()).toBeVisible();
  }
  const { items } = await admin.audit.actions.query({ limit: 10 });
  expect(items.filter((one) => one.action.startsWith('audit.export')).map((one) => `${one.action} ${one.subject}`)).toEqual([
    'audit.exported jsonl',
    'audit.export jsonl',
    'audit.exported csv',
    'audit.export csv',
  ]);
});

test('an export is for who is signed in, from our own page, and for a query that is understood', async ({ request }) => {
  const url = `${gateway.consoleUrl}/api/audit/export`;
  const ask = async (headers: Record<string, string>, data: object) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(data),
    });
    return response.status;
  };
  expect(await ask({}, { format: 'csv' })).toBe(401);
  const bearer = { authorization: `Bearer ${adminToken(gateway)}` };
  expect(await ask(bearer, { format: 'csv', q: mark })).toBe(200);
  expect(await ask(bearer, { format: 'csv', q: 'colour:blue' })).toBe(400);
  expect(await ask(bearer, { format: 'xlsx' })).toBe(400);
  expect((await request.get(url)).status()).toBe(405);
  // With the cookie of the console, as another site's page would send it.
  const foreign = await request.post(url, {
    data: { format: 'csv' },
    headers: { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' },
  });
  expect(foreign.status()).toBe(403);
});

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1280, 375]) {
    test(`axe finds nothing in the explorer with everything open, ${scheme}, ${width} px`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 800 });
      const problems: string[] = [];
      const look = async (what: string) => {
        await page.waitForTimeout(300);
        const { violations } = await new AxeBuilder({ page })
          .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
          .analyze();
        for (const { id, nodes } of violations)
          problems.push(
            `${what}: ${id}: ${nodes
              .map((node) => node.target.join(' '))
              .slice(0, 3)
              .join(' | ')}`,
          );
      };
      await goto(page, `q=${encodeURIComponent(`${mark} who:support-bot`)}`);
      await look('rows');
      await bar(page).click();
      await page.keyboard.press('End');
      await page.keyboard.type(' ver');
      await expect(page.getByRole('option').first()).toBeVisible();
      await look('completion');
      await page.keyboard.press('Escape');
      await rows(page).first().click();
      await expect(page.getByRole('heading', { name: 'Integrity' })).toBeVisible();
      await look('a statement');
      await page.screenshot({ path: `test-results/pages/audit-statement-${scheme}-${width}.png` });
      await page.goto(`${gateway.consoleUrl}/audit?tab=integrity`);
      await expect(page.getByRole('tabpanel', { name: 'Integrity' })).toBeVisible();
      await look('integrity');
      await page.screenshot({ path: `test-results/pages/integrity-${scheme}-${width}.png` });
      expect(problems).toEqual([]);
    });
  }
}
