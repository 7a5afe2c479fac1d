import { expect, type Page, test } from '@playwright/test';
import { apiAsAdmin, apiAsOperator } from '../api';
import { directSettings, eventually, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const settings = proxySettings(gateway);
const admin = apiAsAdmin(gateway);
let client: Awaited<ReturnType<typeof open>>;
let direct: Awaited<ReturnType<typeof open>>;

test.beforeEach(async () => {
  for (const item of (await admin.approvals.list.query({ status: 'open' })).items)
    await admin.approvals.reject.mutate({ id: item.id, reason: 'left over' });
  for (const grant of (await admin.approvals.grants.query({})).items) await admin.approvals.revokeGrant.mutate({ id: grant.id });
  direct = await open(directSettings(gateway));
  await direct.query(
    "DROP TABLE IF EXISTS shaped; CREATE TABLE shaped (id int PRIMARY KEY, note text); GRANT ALL ON shaped TO shop_app; INSERT INTO shaped SELECT g, 'row ' || g FROM generate_series(1, 10) AS g",
  );
  client = await open(settings);
});
test.afterEach(async () => {
  await client.end().catch(() => undefined);
  await direct.query('DROP TABLE IF EXISTS shaped');
  await direct.end();
});

const panel = (page: Page) => page.getByRole('region', { name: 'Approval request' });
const row = (page: Page, sql: string) => page.getByRole('region', { name: 'Waiting' }).getByRole('link').filter({ hasText: sql });

test('approved for the session by radio and key, used, listed, revoked', async ({ page }) => {
  const answer = client.query('DELETE FROM shaped WHERE id = 1');
  await page.goto(`${gateway.consoleUrl}/approvals`);
  await row(page, 'DELETE FROM shaped').click();
  await expect(panel(page).getByLabel('Once')).toBeChecked();
  await panel(page).getByLabel('This shape, this session').check();
  // The radio has the focus, and the keys still act.
  await page.keyboard.press('a');
  expect((await answer).rowCount).toBe(1);
  await expect(panel(page).getByText('It runs again without asking')).toBeVisible();
  expect((await client.query('DELETE FROM shaped WHERE id = 2')).rowCount).toBe(1);

  await panel(page)
    .getByRole('link', { name: /^grant grt_/ })
    .click();
  await expect(page.getByRole('heading', { name: 'Grants' })).toBeVisible();
  const item = page.getByRole('list', { name: 'Grants' }).getByRole('listitem').first();
  await expect(item).toContainText('Active');
  await expect(item).toContainText('Used 1 time', { timeout: 10_000 });
  await item.getByRole('button', { name: /Revoke grant/ }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke grant' }).click();
  await expect(page.getByText('No active grant')).toBeVisible();
  const again = client.query('DELETE FROM shaped WHERE id = 3');
  const request = await eventually('a request', async () => (await admin.approvals.list.query({ status: 'open' })).items[0]);
  await admin.approvals.approve.mutate({ id: request.id });
  expect((await again).rowCount).toBe(1);
});

test('at 320 px the choice is folded, large enough, and the page of grants fits', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  const answer = client.query('DELETE FROM shaped WHERE id = 4');
  await page.goto(`${gateway.consoleUrl}/approvals`);
  await row(page, 'DELETE FROM shaped').click();
  const drawer = page.getByRole('dialog', { name: 'Approval request' });
  await drawer.getByText('Approval reaches: once').click();
  await drawer.getByLabel('This shape, for').check();
  await drawer.getByLabel('Minutes').fill('5');
  await expect(drawer.getByText('Approval reaches: 5 min')).toBeVisible();
  const box = await drawer.getByRole('button', { name: 'Approve statement' }).boundingBox();
  expect((box?.y ?? 0) + (box?.height ?? 999)).toBeLessThanOrEqual(640);
  await drawer.getByRole('button', { name: 'Approve statement' }).click();
  expect((await answer).rowCount).toBe(1);
  await page.goto(`${gateway.consoleUrl}/approvals/grants`);
  await expect(page.getByText('Active').last()).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
});

test('a break-glass shows on overview, audit and the statement', async ({ page }) => {
  const operator = await apiAsOperator(gateway);
  const { id } = await operator.rules.save.mutate({
    name: 'console-glass',
    match: { tables: ['public.shaped'], statements: ['UPDATE'] },
    action: 'hold',
    approval: { groups: ['dba'], count: 1, expiresInMs: 60_000, breakGlass: ['agents'] },
  });
  try {
    const glass = await open({ ...settings, options: '-c gatehouse.break_glass=on -c gatehouse.reason=INC-99' });
    await eventually('the rule', async () => {
      await glass.query("UPDATE shaped SET note = 'x' WHERE id = 5");
      return (await admin.approvals.breakGlass.query()).find((use) => use.breakGlass === 'INC-99' && use.rule === 'console-glass');
    });
    await glass.end();
    await page.goto(gateway.consoleUrl);
    await expect(page.getByRole('alert').filter({ hasText: 'Break-glass' })).toContainText('INC-99');
    await page.goto(`${gateway.consoleUrl}/audit`);
    await page.getByRole('alert').filter({ hasText: 'Break-glass' }).getByRole('link', { name: 'Open the statement' }).click();
    await expect(page.getByText('It ran without the approval its rule asks for.')).toBeVisible();
  } finally {
    await operator.rules.remove.mutate({ id });
  }
});
