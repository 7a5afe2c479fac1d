import { expect, test } from '@playwright/test';
import { apiAsAdmin, makePrincipal } from '../api';
import { failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const AGENT = 'spender';

for (const width of [1280, 375])
  test(`a budget is given here, and its bar shows what is used of it, ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    const password = await makePrincipal(admin, { name: AGENT, kind: 'agent', groups: ['agents'] });
    await page.goto(`${gateway.consoleUrl}/principals`);
    await page.getByRole('button', { name: `Edit ${AGENT}` }).click();
    const sheet = page.getByRole('dialog', { name: `Edit ${AGENT}` });
    const perDay = sheet.getByRole('group', { name: 'Budget a day' });
    await perDay.getByLabel('Rows').fill('0');
    await sheet.getByRole('group', { name: 'Budget an hour' }).getByLabel('Statements').fill('500');
    await sheet.getByRole('button', { name: 'Save principal' }).click();
    await expect(sheet.getByText('at least 1')).toBeVisible();
    await perDay.getByLabel('Rows').fill('4');
    await sheet.getByRole('button', { name: 'Save principal' }).click();
    await expect(sheet).toHaveCount(0);
    expect((await admin.principals.list.query()).find((one) => one.name === AGENT)?.limits).toEqual({
      perHour: { statements: 500 },
      perDay: { rows: 4 },
    });

    const client = await open(proxySettings(gateway, { user: AGENT, password }));
    expect((await failure(client.query('SELECT generate_series(1, 9)'))).code).toBe('53400');
    await client.end();
    await page.getByRole('button', { name: `Edit ${AGENT}` }).click();
    const rows = sheet.getByRole('meter', { name: 'rows this day' });
    await expect(rows).toHaveAttribute('aria-valuetext', '4 of 4 rows', { timeout: 15_000 });
    await expect(sheet.getByText('used up')).toBeVisible();
    await expect(sheet.getByRole('meter', { name: 'statements this hour' })).toBeVisible();
    await sheet.getByText('used up').scrollIntoViewIfNeeded();
    const overflows = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    expect(overflows).toBe(false);
    await page.screenshot({ path: `test-results/budgets-${width}.png` });
  });
