import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { type BrowserContext, expect, type Page, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
import { directSettings, open, proxySettings } from '../clients';
import { type RunningGateway, startGateway } from '../gateway';

// One gateway and one connection that each test goes on with.
test.describe.configure({ mode: 'serial' });

const PASSWORD = 'canary-referenced-password';
let scratch: string;
let gateway: RunningGateway;
let context: BrowserContext;
let page: Page;

test.beforeAll(async ({ browser }) => {
  test.setTimeout(180_000);
  scratch = mkdtempSync(join(tmpdir(), 'gatehouse-credentials-'));
  mkdirSync(join(scratch, 'secrets'));
  writeFileSync(join(scratch, 'secrets', 'shop'), `${PASSWORD}\n`);
  writeFileSync(join(scratch, 'hosts'), 'env:GATEHOUSE_UPSTREAM_SHOP = 127.0.0.1\n');
  gateway = await startGateway({
    dataDir: join(scratch, 'data'),
    log: join(scratch, 'log'),
    env: {
      GATEHOUSE_UPSTREAM_SHOP: PASSWORD,
      GATEHOUSE_SECRETS_DIR: join(scratch, 'secrets'),
      GATEHOUSE_SECRETS_HOSTS_FILE: join(scratch, 'hosts'),
    },
  });
  const direct = await open(directSettings(gateway));
  await direct.query(`CREATE ROLE referenced LOGIN PASSWORD '${PASSWORD}'; GRANT CONNECT ON DATABASE shop TO referenced`);
  await direct.end();
  context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  page = await context.newPage();
  await page.goto(gateway.link);
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
});
test.afterAll(async () => {
  await context.close();
  await gateway.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** The editor of the demo's connection, or of a new one. */
async function edit(name?: string) {
  await page.goto(`${gateway.consoleUrl}/connections`);
  await page
    .getByRole('button', { name: name === undefined ? 'Add connection' : `Edit ${name}`, exact: true })
    .first()
    .click();
  return page.getByRole('dialog');
}
type Sheet = Awaited<ReturnType<typeof edit>>;

async function fill(sheet: Sheet) {
  await sheet.getByLabel('Name', { exact: true }).fill('referenced');
  await sheet.getByLabel('Host').fill('127.0.0.1');
  await sheet.getByLabel('Port').fill(String(directSettings(gateway).port));
  await sheet.getByLabel('Database').fill('shop');
  await sheet.getByLabel('Role to sign in with').fill('referenced');
}
const place = (sheet: Sheet) => sheet.getByLabel('Where the password is');
const stages = () => page.getByRole('status', { name: 'Connection test' });
const row = async () => (await apiAsAdmin(gateway).connections.list.query()).find(({ name }) => name === 'referenced');

test('a password of the environment signs in where the operator named the host, and is shown by its name alone', async () => {
  const sheet = await edit();
  await fill(sheet);
  await place(sheet).selectOption({ label: 'Environment variable' });
  await sheet.getByLabel('Variable').fill('GATEHOUSE_UPSTREAM_SHOP');
  await sheet.getByRole('button', { name: 'Test connection' }).click();
  await expect(stages().getByText('signed in as referenced')).toBeVisible();
  await sheet.getByRole('button', { name: 'Add setting' }).click();
  await sheet.getByLabel('Setting 1', { exact: true }).fill('app.user');
  await sheet.getByRole('button', { name: 'Add setting' }).click();
  await sheet.getByLabel('Setting 2', { exact: true }).fill('app.session');
  await sheet.getByLabel('What setting 2 carries').selectOption({ label: 'the session’s id' });
  await sheet.getByLabel('Person and session behind the application').check();
  await sheet.getByRole('button', { name: 'Save connection' }).click();
  await expect(page.getByRole('heading', { name: 'referenced' })).toBeVisible();
  expect(await row()).toMatchObject({
    passwordFrom: { env: 'GATEHOUSE_UPSTREAM_SHOP' },
    session: { variables: { 'app.user': 'principal', 'app.session': 'session' }, applicationName: 'person' },
  });

  // The server is told, and the form shows it again.
  const { yaml } = await apiAsAdmin(gateway).policy.export.query();
  await apiAsAdmin(gateway).policy.applyYaml.mutate({
    yaml: yaml.replace(/^access:\n/m, 'access:\n  - { connections: [referenced], groups: ["*"] }\n'),
    dryRun: false,
  });
  const client = await open(proxySettings(gateway, { database: 'referenced' }));
  const { rows } = await client.query("SELECT current_setting('app.user') AS who, current_setting('application_name') AS application");
  await client.end();
  expect(rows).toEqual([{ who: 'support-bot', application: expect.stringMatching(/^e2e \[support-bot ses_\w+\]$/) }]);
  const again = await edit('referenced');
  await expect(place(again)).toHaveValue('env');
  await expect(again.getByLabel('Variable')).toHaveValue('GATEHOUSE_UPSTREAM_SHOP');
  await expect(again.getByLabel('What setting 2 carries')).toHaveValue('session');
  expect(await page.content()).not.toContain(PASSWORD);
});

test('to another host it is not sent, and the words say what the operator may set', async () => {
  const sheet = await edit('referenced');
  await sheet.getByLabel('Host').fill('localhost');
  await sheet.getByRole('button', { name: 'Test connection' }).click();
  await expect(stages().getByText(/GATEHOUSE_UPSTREAM_SHOP may not be sent to localhost:/)).toBeVisible();
  await expect(stages().getByText(/dd env:GATEHOUSE_UPSTREAM_SHOP = its host to GATEHOUSE_SECRETS_HOSTS_FILE/)).toBeVisible();
});

test('a file is bound while the gateway runs; settings are taken away again', async () => {
  const sheet = await edit('referenced');
  await place(sheet).selectOption({ label: 'File' });
  await sheet.getByLabel('Path of the file').fill('shop');
  await sheet.getByRole('button', { name: 'Test connection' }).click();
  await expect(stages().getByText(/the file shop may not be sent to 127.0.0.1/)).toBeVisible();
  writeFileSync(join(scratch, 'hosts'), 'env:GATEHOUSE_UPSTREAM_SHOP = 127.0.0.1\nfile:shop = 127.0.0.1\n');
  await sheet.getByRole('button', { name: 'Test connection' }).click();
  await expect(stages().getByText('signed in as referenced')).toBeVisible();
  await sheet.getByRole('button', { name: 'Remove setting 1' }).click();
  await sheet.getByRole('button', { name: 'Save connection' }).click();
  await expect(sheet).toHaveCount(0);
  expect(await row()).toMatchObject({ passwordFrom: { file: 'shop' }, session: { variables: { 'app.session': 'session' } } });
});

test('Vault and AWS are kept as they are given; a mistake is named at its field', async () => {
  for (const [label, field, wrong, words, right, expected] of [
    [
      'Vault: secret (KV version 2)',
      'Path in Vault',
      'shop',
      'a path of Vault’s API',
      'secret/data/shop',
      { path: 'secret/data/shop', field: 'pw' },
    ],
    [
      'Vault: database role',
      'Path in Vault',
      '../sys',
      'no dots alone',
      'database/creds/ro',
      { path: 'database/creds/ro', field: 'password' },
    ],
    ['AWS RDS IAM token', 'AWS region', 'Frankfurt', 'a region, e.g.', 'eu-central-1', { region: 'eu-central-1' }],
    [
      'Environment variable',
      'Variable',
      'PATH',
      'only names that begin with GATEHOUSE_UPSTREAM_',
      'GATEHOUSE_UPSTREAM_B',
      'GATEHOUSE_UPSTREAM_B',
    ],
  ] as const) {
    const sheet = await edit('referenced');
    await place(sheet).selectOption({ label });
    await sheet.getByLabel(field).fill(wrong);
    await sheet.getByRole('button', { name: 'Save connection' }).click();
    await expect(sheet.getByRole('alert').filter({ hasText: words })).toBeVisible();
    await sheet.getByLabel(field).fill(right);
    if (label.includes('KV')) await sheet.getByLabel('Field of the secret').fill('pw');
    await sheet.getByRole('button', { name: 'Save connection' }).click();
    await expect(sheet).toHaveCount(0);
    expect(Object.values((await row())?.passwordFrom ?? {})[0]).toEqual(expected);
  }
  const sheet = await edit('referenced');
  await sheet.getByLabel('Setting 1', { exact: true }).fill('user');
  await sheet.getByRole('button', { name: 'Save connection' }).click();
  await expect(sheet.getByRole('alert').filter({ hasText: 'a setting with a prefix of its own' })).toBeVisible();
});

test('a stored password takes the place of a reference, and is not kept for another host', async () => {
  const sheet = await edit('referenced');
  await place(sheet).selectOption({ label: 'In Gatehouse' });
  await sheet.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await sheet.getByRole('button', { name: 'Save connection' }).click();
  await expect(sheet).toHaveCount(0);
  expect(await row()).toMatchObject({ passwordFrom: null, hasPassword: true });
  const moved = await edit('referenced');
  await expect(moved.getByText('One is stored. Leave empty to keep it.')).toBeVisible();
  await moved.getByLabel('Host').fill('evil.example');
  await moved.getByRole('button', { name: 'Save connection' }).click();
  await expect(moved.getByRole('alert').filter({ hasText: 'give it again, because host or port changed' })).toBeVisible();
});

for (const scheme of ['light', 'dark'] as const)
  for (const width of [1280, 375])
    test(`axe finds nothing where passwords are referenced, ${scheme}, ${width} px`, async () => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 800 });
      const sheet = await edit('referenced');
      await place(sheet).selectOption({ label: 'Vault: secret (KV version 2)' });
      await place(sheet).scrollIntoViewIfNeeded();
      await page.screenshot({ path: `test-results/pages/connection-reference-${scheme}-${width}.png` });
      const addSetting = sheet.getByRole('button', { name: 'Add setting' });
      await addSetting.click();
      await addSetting.scrollIntoViewIfNeeded();
      await page.screenshot({ path: `test-results/pages/connection-session-${scheme}-${width}.png` });
      const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
      expect(violations.map((violation) => `${violation.id}: ${violation.nodes[0]?.target.join(' ')}`)).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    });
