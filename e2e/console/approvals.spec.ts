import { expect, type Page, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
import { directSettings, eventually, failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const settings = proxySettings(gateway);
const admin = apiAsAdmin(gateway);
let client: Awaited<ReturnType<typeof open>>;
let direct: Awaited<ReturnType<typeof open>>;

test.beforeEach(async () => {
  // Requests of another test would move this one's rows.
  for (const item of (await admin.approvals.list.query({ status: 'open' })).items)
    await admin.approvals.reject.mutate({ id: item.id, reason: 'left over' });
  direct = await open(directSettings(gateway));
  await direct.query(
    "DROP TABLE IF EXISTS reviewed; CREATE TABLE reviewed (id int PRIMARY KEY, note text); GRANT ALL ON reviewed TO shop_app; INSERT INTO reviewed SELECT g, 'row ' || g FROM generate_series(1, 10) AS g",
  );
  client = await open(settings);
});
test.afterEach(async () => {
  await client.end().catch(() => undefined);
  await direct.query('DROP TABLE IF EXISTS reviewed');
  await direct.end();
});

const row = (page: Page, sql: string) => page.getByRole('region', { name: 'Waiting' }).getByRole('link').filter({ hasText: sql });
const panel = (page: Page) => page.getByRole('region', { name: 'Approval request' });

test('a client waits, the page shows it without a reload, the approval runs it', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/approvals`);
  await expect(page.getByText('Nothing waiting.')).toBeVisible();
  // The subscription is up before the statement comes: what appears came by itself.
  await page.waitForTimeout(500);
  let reloads = 0;
  page.on('load', () => reloads++);

  const answer = client.query('DELETE FROM reviewed WHERE id IN (1, 2, 3)');
  await expect(row(page, 'DELETE FROM reviewed')).toBeVisible({ timeout: 3_000 });
  await expect(page).toHaveTitle(/^\(1\) /);
  await row(page, 'DELETE FROM reviewed').click();
  const card = panel(page);
  for (const words of ['ana', 'support-bot', 'shop', 'review-deletes', 'public.reviewed'])
    await expect(card.getByText(words).first()).toBeVisible();
  expect((await direct.query('SELECT count(*)::int AS n FROM reviewed')).rows).toEqual([{ n: 10 }]);

  await card.getByRole('button', { name: 'Approve statement' }).click();
  expect((await answer).rowCount).toBe(3);
  await expect(card.getByText('Approved by admin')).toBeVisible();
  await expect(card.getByText('3 rows')).toBeVisible();
  await expect(page).not.toHaveTitle(/^\(/);
  expect(reloads).toBe(0);
});

test('a rejection needs a reason, and the client gets it', async ({ page }) => {
  const answer = failure(client.query('DELETE FROM reviewed WHERE id = 4'));
  await page.goto(`${gateway.consoleUrl}/approvals`);
  await row(page, 'id = 4').click();
  await panel(page).getByRole('button', { name: 'Reject statement' }).click();
  const dialog = page.getByRole('alertdialog').or(page.getByRole('dialog')).filter({ hasText: 'Reason' });
  await dialog.getByRole('button', { name: 'Reject statement' }).click();
  await expect(dialog.getByText('Say why: the client sees it.')).toBeVisible();
  await dialog.getByLabel('Reason').fill('Archive them first, please.');
  await dialog.getByRole('button', { name: 'Reject statement' }).click();
  const error = await answer;
  expect(error.code).toBe('42501');
  expect(error.detail).toContain('Archive them first, please.');
  await expect(panel(page).getByText('Rejected by admin')).toBeVisible();
  expect((await direct.query('SELECT count(*)::int AS n FROM reviewed')).rows).toEqual([{ n: 10 }]);
});

test('Ctrl-C at the client: the open card says withdrawn, and cannot be approved any more', async ({ page }) => {
  const leaving = await open(settings);
  const answer = failure(leaving.query('DELETE FROM reviewed WHERE id = 5'));
  await page.goto(`${gateway.consoleUrl}/approvals`);
  await row(page, 'id = 5').click();
  await expect(panel(page).getByRole('button', { name: 'Approve statement' })).toBeVisible();
  (leaving as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  await answer;
  await expect(panel(page).getByText('Withdrawn').first()).toBeVisible();
  await expect(panel(page).getByRole('button', { name: 'Approve statement' })).toHaveCount(0);
});

test('somebody else decides first: this page sees who within a second', async ({ page }) => {
  const answer = client.query('DELETE FROM reviewed WHERE id = 6');
  await page.goto(`${gateway.consoleUrl}/approvals`);
  await row(page, 'id = 6').click();
  await expect(panel(page).getByRole('button', { name: 'Approve statement' })).toBeVisible();
  const [item] = (await admin.approvals.list.query({ status: 'open' })).items;
  await admin.approvals.approve.mutate({ id: item?.id ?? '' });
  await expect(panel(page).getByText('Approved by admin')).toBeVisible({ timeout: 1_500 });
  expect((await answer).rowCount).toBe(1);
});

test('the keys: j and k move, Enter opens, a approves, r rejects, Escape closes; not while typing, and not when turned off', async ({
  page,
}) => {
  const others = await Promise.all([open(settings), open(settings)]);
  const answers = [client, ...others].map((one, i) =>
    one.query(`DELETE FROM reviewed WHERE id = ${7 + i}`).catch((error: { code: string }) => error),
  );
  await eventually('three requests', async () => (await admin.approvals.list.query({ status: 'open' })).items.length === 3);
  await page.goto(`${gateway.consoleUrl}/approvals`);
  const rows = page.getByRole('region', { name: 'Waiting' }).getByRole('link');
  await expect(rows).toHaveCount(3);

  const filter = page.getByLabel('Filter requests');
  await page.keyboard.press('/');
  await expect(filter).toBeFocused();
  await page.keyboard.type('jar');
  await expect(filter).toHaveValue('jar');
  await expect(page).toHaveURL(/\/approvals$/);
  await filter.fill('');
  await page.keyboard.press('Escape');

  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await expect(rows.nth(0)).toHaveAttribute('aria-current', 'true');
  await page.keyboard.press('j');
  await expect(rows.nth(1)).toHaveAttribute('aria-current', 'true');
  await page.keyboard.press('k');
  await expect(rows.nth(0)).toHaveAttribute('aria-current', 'true');
  await expect(panel(page).getByRole('button', { name: 'Approve statement' })).toBeEnabled();
  await page.keyboard.press('Control+a');
  await page.waitForTimeout(300);
  expect((await admin.approvals.list.query({ status: 'open' })).items).toHaveLength(3);
  await page.keyboard.press('a');
  await expect(panel(page).getByText('Approved by admin')).toBeVisible();
  await expect.poll(async () => (await admin.approvals.list.query({ status: 'open' })).items.length).toBe(2);

  const [next] = (await admin.approvals.list.query({ status: 'open' })).items;
  await page.locator(`a[href="/approvals/${next?.id}"]`).first().click();
  await expect(panel(page).getByRole('button', { name: 'Reject statement' })).toBeEnabled();
  await page.keyboard.press('r');
  await page.getByLabel('Reason').fill('by the keys');
  await page.keyboard.press('Control+Enter');
  await expect.poll(async () => (await admin.approvals.list.query({ status: 'open' })).items.length).toBe(1);
  // Escape belongs to the dialog for as long as it is there.
  await expect(page.getByLabel('Reason')).toBeHidden();

  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(/\/approvals$/);
  await page.keyboard.press('?');
  await page.getByLabel('Use single-letter keys').uncheck();
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.keyboard.press('a');
  await page.waitForTimeout(300);
  await expect(page).toHaveURL(/\/approvals$/);
  for (const item of (await admin.approvals.list.query({ status: 'open' })).items)
    await admin.approvals.reject.mutate({ id: item.id, reason: 'end of test' });
  const outcomes = (await Promise.all(answers)).map((outcome) => ('rowCount' in outcome ? outcome.rowCount : outcome.code));
  expect(outcomes.sort()).toEqual([1, '42501', '42501'].sort());
  for (const one of others) await one.end();
});

test('control and bidirectional characters in a statement are shown escaped', async ({ page }) => {
  const answer = failure(client.query("DELETE FROM reviewed WHERE note = 'a\u202Eb\u200Bc' AND id = 10"));
  await page.goto(`${gateway.consoleUrl}/approvals`);
  await row(page, 'DELETE FROM reviewed').click();
  await expect(panel(page)).toContainText(/202E/i);
  expect(await panel(page).innerText()).not.toMatch(/[\u202E\u200B]/);
  for (const item of (await admin.approvals.list.query({ status: 'open' })).items)
    await admin.approvals.reject.mutate({ id: item.id, reason: 'end of test' });
  await answer;
});

test('at 320 px the queue and a card fit without sideways scroll, and the decisions are large enough', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  const answer = client.query(
    "DELETE FROM reviewed WHERE id = 10 AND note = 'a rather long condition that does not fit on one line of a telephone'",
  );
  await page.goto(`${gateway.consoleUrl}/approvals`);
  await expect(row(page, 'DELETE FROM reviewed')).toBeVisible();
  await expect.poll(() => sideways(page)).toBe(0);
  await row(page, 'DELETE FROM reviewed').click();
  const drawer = page.getByRole('dialog', { name: 'Approval request' });
  for (const name of ['Approve statement', 'Reject statement']) {
    const box = await drawer.getByRole('button', { name }).boundingBox();
    expect(box?.height).toBeGreaterThanOrEqual(44);
    expect((box?.x ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 999) <= 320).toBe(true);
    expect((box?.y ?? 0) + (box?.height ?? 999)).toBeLessThanOrEqual(640);
  }
  expect(await sideways(page)).toBe(0);
  await drawer.getByRole('button', { name: 'Approve statement' }).click();
  await expect(drawer.getByText('Approved by admin')).toBeVisible();
  expect((await answer).rowCount).toBe(0);
});

test('the picture for the README', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  const reason = await open({ ...settings, options: '-c gatehouse.reason=Customer\\ asked\\ for\\ erasure,\\ INC-42' } as typeof settings);
  const answers = [
    failure(client.query('UPDATE products SET price = price * 0.9')),
    failure(reason.query("DELETE FROM orders\n WHERE customer_id = 42\n   AND status = 'cancelled'")),
  ];
  await eventually('two requests', async () => (await admin.approvals.list.query({ status: 'open' })).items.length === 2);
  await page.goto(`${gateway.consoleUrl}/approvals`);
  await row(page, 'DELETE FROM orders').click();
  await expect(panel(page).getByRole('button', { name: 'Approve statement' })).toBeVisible();
  await page.waitForTimeout(400);
  await page.screenshot({ path: 'test-results/approval.png' });
  if (process.env.GATEHOUSE_TEST_PICTURES === 'docs') await page.screenshot({ path: 'docs/approval.png' });
  for (const item of (await admin.approvals.list.query({ status: 'open' })).items)
    await admin.approvals.reject.mutate({ id: item.id, reason: 'end of test' });
  await Promise.all(answers);
  await reason.end();
});

/** How many pixels the page can be scrolled sideways. */
function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
