import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { apiAs, apiAsAdmin, makePrincipal } from '../api';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const AGENT = 'browser-night-bot';
const NAME = 'browser-archive';

let agent: ReturnType<typeof apiAs>;
let connectionId: string;
test.beforeAll(async () => {
  agent = apiAs(gateway, await makePrincipal(admin, { name: AGENT, kind: 'agent', groups: [] }));
  ({ id: connectionId } = await admin.connections.save.mutate({
    name: NAME,
    host: '127.0.0.1',
    port: 9,
    database: 'archive',
    username: 'app',
    tls: 'disable',
    requestable: { groups: [], count: 1, maxDurationMs: 3 * 3_600_000 },
  }));
});
test.afterAll(async () => {
  await admin.connections.remove.mutate({ id: connectionId });
});

const ask = (reason: string) => agent.accessRequests.request.mutate({ connection: NAME, durationMs: 3_600_000, reason });
const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const visit = (page: Page, path = '/access') => page.goto(`${gateway.consoleUrl}${path}`);

async function axe(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}

for (const [scheme, width] of [
  ['light', 1280],
  ['dark', 375],
] as const)
  test(`a request is approved and taken back, ${scheme}, ${width} px`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 800 });
    const { id } = await ask('nightly export');
    await visit(page, `/access/${id}`);
    const waiting = section(page, 'Waiting for a decision').getByRole('listitem').filter({ hasText: AGENT });
    await expect(waiting).toHaveAttribute('aria-current', 'true');
    await expect(waiting).toContainText('“nightly export”');
    await expect(waiting.getByRole('button', { name: /^Approve access/ })).toBeVisible();
    await axe(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    await page.screenshot({ path: `test-results/pages/access-detail-${scheme}-${width}.png` });
    // Opening the link decided nothing.
    expect((await agent.accessRequests.get.query({ id })).status).toBe('pending');
    await waiting.getByRole('button', { name: /^Approve access/ }).click();
    const active = section(page, 'Has access now').getByRole('listitem').filter({ hasText: AGENT });
    await expect(active).toBeVisible();
    expect((await agent.accessRequests.get.query({ id })).status).toBe('approved');
    await active.getByRole('button', { name: /^Take back access/ }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Take back access' }).click();
    await expect(section(page, 'Earlier').getByRole('listitem').filter({ hasText: AGENT }).first()).toContainText('Taken back');
    expect((await agent.accessRequests.get.query({ id })).status).toBe('revoked');
  });

test('a rejection needs a reason, and who asked reads it', async ({ page }) => {
  const { id } = await ask('curious');
  await visit(page);
  const waiting = section(page, 'Waiting for a decision').getByRole('listitem').filter({ hasText: AGENT });
  await waiting.getByRole('button', { name: /^Reject access/ }).click();
  const dialog = page.getByRole('alertdialog');
  await expect(dialog.getByRole('button', { name: 'Reject request' })).toBeDisabled();
  await dialog.getByLabel('Reason').fill('use the replica');
  await dialog.getByRole('button', { name: 'Reject request' }).click();
  await expect(dialog).toHaveCount(0);
  expect(await agent.accessRequests.get.query({ id })).toMatchObject({ status: 'rejected', decisions: [{ reason: 'use the replica' }] });
});

test('a person asks by the link of the client’s hint, and cannot decide it', async ({ page }) => {
  await visit(page, `/access?connection=${NAME}`);
  const sheet = page.getByRole('dialog', { name: 'Ask for access' });
  await expect(sheet.getByLabel('Connection', { exact: true })).toHaveValue(NAME);
  await sheet.getByLabel('For', { exact: true }).selectOption('3 hours');
  await sheet.getByRole('button', { name: 'Ask for access' }).click();
  await expect(sheet.getByText('say why: the reviewers see it')).toBeVisible();
  await sheet.getByLabel('Reason').fill('INC-42');
  await sheet.getByRole('button', { name: 'Ask for access' }).click();
  await expect(sheet).toHaveCount(0);
  const waiting = section(page, 'Waiting for a decision').getByRole('listitem').filter({ hasText: 'INC-42' });
  await expect(waiting).toContainText('You asked for this yourself');
  await expect(waiting.getByRole('button', { name: /^Approve/ })).toHaveCount(0);
  await waiting.getByRole('button', { name: /^Withdraw/ }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Withdraw request' }).click();
  await expect(waiting).toHaveCount(0);
});

test('the connection’s editor says how access is asked for', async ({ page }) => {
  await visit(page, '/connections');
  await page.getByRole('button', { name: `Edit ${NAME}` }).click();
  const sheet = page.getByRole('dialog');
  await expect(sheet.getByLabel(/Access on request, at most/)).toHaveValue('3');
  await sheet.getByLabel(/Access on request, at most/).fill('');
  await sheet.getByRole('button', { name: 'Save connection' }).click();
  await expect(sheet).toHaveCount(0);
  expect((await agent.accessRequests.requestable.query()).map(({ name }) => name)).not.toContain(NAME);
});
