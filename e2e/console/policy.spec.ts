import { expect, type Page, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
import { directSettings, eventually, failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const settings = proxySettings(gateway);
const admin = apiAsAdmin(gateway);
const ROLE = 'browser-rule';
const AGENT = 'browser-bot';

test.afterAll(async () => {
  for (const rule of await admin.rules.list.query()) if (rule.name.startsWith(ROLE)) await admin.rules.remove.mutate({ id: rule.id });
});

test('editing a masking rule changes what the next statement of an open session sees', async ({ page }) => {
  const client = await open(settings);
  const direct = await open(directSettings(gateway));
  const clear = (await direct.query('SELECT ssn FROM customers ORDER BY id LIMIT 1')).rows[0].ssn as string;
  const seen = async () => (await client.query('SELECT ssn FROM customers ORDER BY id LIMIT 1')).rows[0].ssn as string;
  const before = await seen();
  expect(before.endsWith(clear.slice(-4))).toBe(true);
  expect(before).not.toBe(clear);
  const keepLast = async (count: string) => {
    await page.getByRole('button', { name: 'Edit customer-pii' }).click();
    const sheet = page.getByRole('dialog', { name: 'Edit masking rule customer-pii' });
    await sheet.getByLabel('Keep last').fill(count);
    await sheet.getByRole('button', { name: 'Save masking rule' }).click();
    await expect(sheet).toHaveCount(0);
  };
  await page.goto(`${gateway.consoleUrl}/masking`);
  try {
    await keepLast('2');
    const after = await eventually('two digits are left', async () => {
      const value = await seen();
      return value !== before && value;
    });
    expect(after.endsWith(clear.slice(-2))).toBe(true);
    expect(after).not.toContain(clear.slice(-4));
  } finally {
    await keepLast('4');
  }
  await eventually('as it was', async () => (await seen()) === before);
  await client.end();
  await direct.end();
});

test('a rule made from a statement of the audit denies the next one like it', async ({ page }) => {
  const client = await open(settings);
  await client.query("SELECT 'rule-from-here' FROM pg_catalog.pg_am LIMIT 1");
  await eventually('recorded', async () => (await admin.audit.search.query({ q: 'rule-from-here' })).items.length > 0);
  await page.goto(`${gateway.consoleUrl}/audit?q=rule-from-here`);
  await page
    .getByRole('link', { name: /rule-from-here/ })
    .first()
    .click();
  await page.getByRole('link', { name: 'Make a rule from this' }).click();
  const sheet = page.getByRole('dialog', { name: 'Add rule' });
  await expect(sheet.getByRole('button', { name: 'Remove pg_catalog.pg_am' })).toBeVisible();
  await sheet.getByLabel('Name').fill(ROLE);
  await sheet.getByLabel('Then').selectOption('deny');
  await sheet.getByLabel('Message to the client').fill('Not from here.');
  await sheet.getByRole('button', { name: 'Save rule' }).click();
  await expect(page.getByRole('heading', { name: new RegExp(ROLE) })).toBeVisible();
  const error = await eventually('the rule reaches the open session', async () =>
    client.query('SELECT amname FROM pg_catalog.pg_am').then(
      () => undefined,
      (reason: { code: string; message: string; detail?: string }) => reason,
    ),
  );
  expect(error.code).toBe('42501');
  expect(error.message).toContain(ROLE);
  await page.getByRole('button', { name: `Edit ${ROLE}` }).click();
  await page.getByRole('button', { name: 'Remove rule' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove rule' }).click();
  await expect(page.getByRole('heading', { name: new RegExp(ROLE) })).toHaveCount(0);
  await eventually('allowed again', () =>
    client.query('SELECT amname FROM pg_catalog.pg_am').then(
      () => true,
      () => false,
    ),
  );
  await client.end();
});

test('a principal made here connects with the token made here, and no longer once disabled', async ({ page }) => {
  await page.goto(`${gateway.consoleUrl}/principals`);
  if ((await admin.principals.list.query()).every((one) => one.name !== AGENT)) {
    await page.getByRole('button', { name: 'Add principal' }).click();
    const sheet = page.getByRole('dialog', { name: 'Add principal' });
    await sheet.getByLabel('Name').fill(AGENT);
    await sheet.getByLabel('Owner').selectOption('ana');
    await sheet.getByLabel('Groups').fill('agents');
    await sheet.getByLabel('Groups').press('Enter');
    await sheet.getByLabel('Most sessions').fill('3');
    await sheet.getByRole('button', { name: 'Save principal' }).click();
    await expect
      .poll(async () => (await admin.principals.list.query()).find((one) => one.name === AGENT)?.limits)
      .toEqual({ maxSessions: 3 });
    await expect(sheet).toHaveCount(0);
  }
  await page.getByRole('button', { name: `Tokens of ${AGENT}` }).click();
  const tokens = page.getByRole('dialog', { name: `Tokens of ${AGENT}` });
  await tokens.getByRole('button', { name: 'Create token' }).click();
  const password = await secretIn(page, /gh_at_[\w-]+/);
  const client = await open(proxySettings(gateway, { user: AGENT, password }));
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await tokens.getByRole('button', { name: 'Close' }).click();

  await page.getByRole('button', { name: `Edit ${AGENT}` }).click();
  await page.getByRole('button', { name: 'Disable principal' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Disable principal' }).click();
  // Others may have been disabled by the tests before.
  const row = page.getByRole('listitem').filter({ has: page.getByRole('button', { name: `Edit ${AGENT}` }) });
  await expect(row.getByText('Disabled', { exact: true })).toBeVisible();
  await eventually('its session ends', async () => client.lost.length > 0);
  expect((await failure(open(proxySettings(gateway, { user: AGENT, password })))).code).toBe('28P01');
  await page.getByRole('button', { name: `Edit ${AGENT}` }).click();
  await page.getByRole('button', { name: 'Enable principal' }).click();
  await expect(row.getByText('Disabled', { exact: true })).toHaveCount(0);
});

test('terminating a session from its page ends the client with 57P01', async ({ page }) => {
  const client = await open(proxySettings(gateway, { applicationName: 'to be terminated' }));
  await client.query('SELECT 1');
  const session = await eventually('its session', async () =>
    (await admin.sessions.list.query({ state: 'open' })).items.find((one) => one.applicationName === 'to be terminated'),
  );
  await page.goto(`${gateway.consoleUrl}/sessions/${session.id}`);
  await page.getByRole('button', { name: 'Terminate session' }).click();
  const dialog = page.getByRole('alertdialog');
  await dialog.getByLabel('Reason').fill('left open over night');
  await dialog.getByRole('button', { name: 'Terminate session' }).click();
  await expect(page.getByText('Ended', { exact: true }).first()).toBeVisible();
  await eventually('the client is told', async () => client.lost.some((error) => (error as { code?: string }).code === '57P01'));
  const [action] = (await admin.audit.actions.query({})).items.filter((one) => one.subject === session.id);
  expect(JSON.stringify(action?.after)).toContain('left open over night');
});

/** The one secret on the page. */
async function secretIn(page: Page, pattern: RegExp): Promise<string> {
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText(pattern);
  return pattern.exec(await dialog.innerText())?.[0] ?? '';
}
