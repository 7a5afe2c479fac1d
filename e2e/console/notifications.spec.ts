import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { webhookReceiver } from '../../db/notifications/standIns/webhook';
import { apiAsAdmin } from '../api';
import { failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const NAME = 'browser-hook';

let receiver: Awaited<ReturnType<typeof webhookReceiver>>;
test.beforeAll(async () => {
  receiver = await webhookReceiver();
});
test.afterAll(async () => {
  for (const { id } of await admin.notifications.list.query()) await admin.notifications.remove.mutate({ id });
  await receiver.close();
});

const visit = (page: Page) => page.goto(`${gateway.consoleUrl}/notifications`);

async function axe(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}

test('a channel is made, tried out, and tells of a held statement; what was given up is sent again', async ({ page }) => {
  test.setTimeout(60_000);
  await visit(page);
  await expect(page.getByText('Nobody is told')).toBeVisible();
  await page.getByRole('button', { name: 'Add channel' }).first().click();
  const sheet = page.getByRole('dialog');
  await sheet.getByLabel('Name').fill(NAME);
  await sheet.getByLabel('Address').fill('http://hooks.example.com/x');
  await sheet.getByRole('button', { name: 'Save channel' }).click();
  await expect(sheet.getByText('https is needed, except for this machine')).toBeVisible();
  await sheet.getByLabel('Address').fill(`${receiver.url}/hook`);
  await sheet.getByRole('button', { name: 'Save channel' }).click();

  const secret = await page
    .getByRole('dialog', { name: `Signing secret of ${NAME}` })
    .locator('pre')
    .innerText();
  expect(secret).toMatch(/^whsec_/);
  receiver.expect(secret);
  await page.getByRole('button', { name: 'Close panel' }).click();
  await page.getByRole('button', { name: `Send a test message to ${NAME}` }).click();
  await expect(page.getByText(`${NAME} took the test message`)).toBeVisible();
  expect(receiver.heard.map(({ type }) => type)).toEqual(['test']);

  receiver.answer((count) => ({ status: count === 1 ? 400 : 204 }));
  const client = await open(proxySettings(gateway));
  const held = failure(client.query('DELETE FROM orders WHERE id = 2147481001')).then(() => client.end());
  const deliveries = page.getByRole('region', { name: 'Deliveries' });
  await expect(deliveries.getByText('Given up', { exact: true }).last()).toBeVisible({ timeout: 15_000 });
  await expect(deliveries.getByText('refused with 400')).toBeVisible();
  await axe(page);
  await page.screenshot({ path: 'test-results/pages/notifications-given-up-light-1280.png' });
  await deliveries.getByRole('button', { name: `Send Statement held again to ${NAME}` }).click();
  await expect(deliveries.getByText('Delivered')).toBeVisible({ timeout: 15_000 });
  expect(receiver.heard.at(-1)?.type).toBe('request.filed');
  expect(receiver.heard.at(-1)?.body).not.toContain('2147481001');

  for (const item of (await admin.approvals.list.query({ status: 'open' })).items)
    if (item.sql.includes('2147481001')) await admin.approvals.reject.mutate({ id: item.id, reason: 'end of test' });
  await held;
});

test('the forms of every kind of channel hold at 375 px, in the dark too', async ({ page }) => {
  await page.setViewportSize({ width: 375, height: 800 });
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await visit(page);
  await page.getByRole('button', { name: 'Add channel' }).first().click();
  const sheet = page.getByRole('dialog');
  for (const kind of ['Webhook', 'Slack', 'Microsoft Teams', 'E-mail']) {
    await sheet.getByLabel('Kind').selectOption(kind);
    await axe(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), kind).toBe(0);
    await page.screenshot({ path: `test-results/pages/notifications-editor-${kind.toLowerCase().replace(/\W+/g, '-')}-dark-375.png` });
  }
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Discard changes' }).click();
  await expect(sheet).toHaveCount(0);
});

test('a channel is switched off and removed, and all of it is in the record', async ({ page }) => {
  await visit(page);
  await page.getByRole('button', { name: `Switch ${NAME} off` }).click();
  await expect(page.getByRole('button', { name: `Switch ${NAME} on` })).toBeVisible();
  await page.getByRole('button', { name: `Remove ${NAME}` }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove channel' }).click();
  await expect(page.getByText('Nobody is told')).toBeVisible();
  const recorded = (await admin.audit.actions.query({})).items.filter(({ subject }) => subject === NAME).map(({ action }) => action);
  expect(recorded).toEqual(['remove', 'disable', 'sendAgain', 'test', 'create'].map((verb) => `notification.${verb}`));
});
