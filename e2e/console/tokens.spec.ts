import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { apiAsAdmin, makePrincipal } from '../api';
import { failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const as = (user: string, password: string) => proxySettings(gateway, { user, password });
const signsIn = async (user: string, password: string) => {
  const client = await open(as(user, password));
  await client.end();
};

test('an API key for one connection is made and rotated: both work, each shown once', async ({ page }) => {
  await makePrincipal(admin, { name: 'nightly-job', kind: 'service', groups: ['agents'] });
  await page.goto(`${gateway.consoleUrl}/principals`);
  await page.getByRole('button', { name: 'Tokens of nightly-job' }).click();
  const sheet = page.getByRole('dialog', { name: 'Tokens of nightly-job' });
  await sheet.getByLabel('Label').fill('etl');
  await sheet.getByLabel('Kind').selectOption('api_key');
  await sheet.getByLabel('Lifetime').selectOption('null');
  await sheet.getByRole('checkbox', { name: 'shop' }).check();
  await sheet.getByRole('button', { name: 'Create API key' }).click();
  const secretIn = async (place: typeof sheet) =>
    /gh_ak_[\w-]+/.exec(
      (await place
        .getByText(/^gh_ak_/)
        .first()
        .textContent()) ?? '',
    )?.[0] ?? '';
  const first = await secretIn(sheet);
  await signsIn('nightly-job', first);
  await sheet.getByRole('button', { name: 'Done' }).click();
  await expect(sheet.getByText('opens shop')).toBeVisible();
  await expect(sheet.getByRole('listitem').getByText('API key', { exact: true })).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  await sheet.getByRole('button', { name: 'Rotate token etl' }).click();
  await page.getByRole('button', { name: 'Make the new one' }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Copy the new one now' });
  const second = await secretIn(dialog);
  expect(second).not.toBe(first);
  await dialog.getByRole('button', { name: 'Done' }).click();
  for (const secret of [first, second]) await signsIn('nightly-job', secret);
  await expect(page.locator('body')).not.toContainText(second);
});

test('somebody is signed out everywhere: their session ends and their token with it', async ({ page }) => {
  await makePrincipal(admin, { name: 'lost-laptop', kind: 'human', groups: ['agents'] });
  const { secret } = await admin.tokens.create.mutate({ principal: 'lost-laptop', ttlMs: 3_600_000 });
  const client = await open(as('lost-laptop', secret));
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
  client.on('error', () => undefined);
  await page.goto(`${gateway.consoleUrl}/principals`);
  await page.getByRole('button', { name: 'Tokens of lost-laptop' }).click();
  await page.getByRole('button', { name: 'Sign out everywhere' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out everywhere' }).click();
  await expect(page.getByText('lost-laptop is signed out everywhere')).toBeVisible();
  await ended;
  expect(await failure(open(as('lost-laptop', secret)))).toMatchObject({ code: '28P01' });
});
