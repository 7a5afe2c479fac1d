import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { type Authority, createAuthority, type Issued } from '../../db/embedded/testCertificates';
import { PASSWORD, startTlsServer, type TlsServer } from '../../db/embedded/testTlsServer';
import { apiAsAdmin } from '../api';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const NAME = 'secured';
let server: TlsServer;
let ca: Authority;
let client: Issued;

test.beforeAll(async () => {
  test.setTimeout(120_000);
  server = await startTlsServer();
  ca = createAuthority('Example root CA');
  client = ca.issue({ name: 'by_cert' });
  await server.present(ca.issue({ name: 'localhost', ips: ['127.0.0.1'], untilDays: 12.5 }), ca.certificate);
});
test.afterAll(async () => {
  for (const { id, name } of await admin.connections.list.query()) if (name === NAME) await admin.connections.remove.mutate({ id });
  await server.stop();
});

async function addConnection(page: Page) {
  await page.goto(`${gateway.consoleUrl}/connections`);
  await page.getByRole('button', { name: 'Add connection' }).first().click();
  const sheet = page.getByRole('dialog');
  await sheet.getByLabel('Name').fill(NAME);
  await sheet.getByLabel('Host').fill('127.0.0.1');
  await sheet.getByLabel('Port').fill(String(server.port));
  await sheet.getByLabel('Database').fill('postgres');
  await sheet.getByLabel('Role to sign in with').fill('by_cert');
  return sheet;
}

test('the TLS part opens with the modes that use it', async ({ page }) => {
  const sheet = await addConnection(page);
  const mode = sheet.getByLabel('TLS', { exact: true });
  await mode.selectOption('disable');
  await expect(sheet.getByLabel('Authority’s certificate')).toHaveCount(0);
  await mode.selectOption('prefer');
  await expect(sheet.getByLabel('Authority’s certificate')).toBeVisible();
  await expect(sheet.getByLabel('How TLS begins')).toHaveCount(0);
  await mode.selectOption('verify-full');
  await sheet.getByLabel('How TLS begins').selectOption('direct');
  // What is no longer shown is no longer said.
  await mode.selectOption('prefer');
  await mode.selectOption('require');
  await expect(sheet.getByLabel('How TLS begins')).toHaveValue('postgres');
});

test('a mistake is named at its field, and nothing is saved', async ({ page }) => {
  const sheet = await addConnection(page);
  await sheet.getByLabel('TLS', { exact: true }).selectOption('verify-full');
  await sheet.getByLabel('Authority’s certificate').fill('/etc/ssl/root.crt');
  await sheet.getByRole('button', { name: 'Save connection' }).click();
  await expect(sheet.getByText('not PEM: certificates begin with')).toBeVisible();
  await sheet.getByLabel('Authority’s certificate').fill(ca.certificate);
  await sheet.getByText('Sign in with a client certificate').click();
  await sheet.getByLabel('Client certificate').fill(client.certificate);
  await sheet.getByRole('button', { name: 'Save connection' }).click();
  await expect(sheet.getByText('needs its private key in tlsKey')).toBeVisible();
  await sheet.getByLabel('Private key').fill(ca.key);
  await sheet.getByRole('button', { name: 'Save connection' }).click();
  await expect(sheet.getByText('is not the key of tlsCertificate')).toBeVisible();
  expect((await admin.connections.list.query()).map((row) => row.name)).not.toContain(NAME);
});

test('a verified connection is tested, saved, and its key is not shown again', async ({ page }) => {
  const sheet = await addConnection(page);
  await sheet.getByLabel('TLS', { exact: true }).selectOption('verify-full');
  await sheet.getByLabel('How TLS begins').selectOption('direct');
  await sheet.getByLabel('Authority’s certificate').fill(ca.certificate);
  await sheet.getByText('Sign in with a client certificate').click();
  await sheet.getByLabel('Client certificate').fill(client.certificate);
  await sheet.getByLabel('Private key').fill(client.key);
  await sheet.getByRole('button', { name: 'Test connection' }).click();
  const stages = page.getByRole('status', { name: 'Connection test' });
  for (const fact of ['TLSv1.3', 'postgresql', 'CN=localhost', 'CN=Example root CA', 'its authority and its name', 'CN=by_cert'])
    await expect(stages.getByText(fact, { exact: true })).toBeVisible();
  await expect(stages.getByText(/, in 12 days$/)).toBeVisible();
  await expect(stages.getByText('The certificate expires in 12 days.')).toBeVisible();
  await expect(stages.getByText('failed')).toHaveCount(0);
  await sheet.getByRole('button', { name: 'Save connection' }).click();
  await expect(page.getByRole('heading', { name: NAME })).toBeVisible();
  await page.reload();
  await page.getByRole('button', { name: `Edit ${NAME}` }).click();
  await expect(page.getByRole('dialog').getByLabel('Private key')).toHaveValue('');
  await expect(page.getByText('One is stored. Leave empty to keep it.')).toBeVisible();
  await expect(page.getByRole('dialog').getByLabel('Client certificate')).toHaveValue(client.certificate);
  expect(await page.content()).not.toContain(client.key.split('\n')[1]);
  expect(await page.content()).not.toContain(PASSWORD);
});

for (const scheme of ['light', 'dark'] as const)
  for (const width of [1280, 375])
    test(`axe finds nothing in the TLS part, ${scheme}, ${width} px`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 800 });
      await page.goto(`${gateway.consoleUrl}/connections`);
      await page.getByRole('button', { name: `Edit ${NAME}` }).click();
      const sheet = page.getByRole('dialog');
      await sheet.getByRole('button', { name: 'Test connection' }).click();
      await expect(sheet.getByText('CN=Example root CA', { exact: true })).toBeVisible();
      await sheet.getByLabel('Private key').scrollIntoViewIfNeeded();
      await page.screenshot({ path: `test-results/pages/connection-tls-${scheme}-${width}.png` });
      await sheet.getByText('CN=Example root CA', { exact: true }).scrollIntoViewIfNeeded();
      await page.screenshot({ path: `test-results/pages/connection-test-${scheme}-${width}.png` });
      const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
      expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.target.join(' ')}`)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    });
