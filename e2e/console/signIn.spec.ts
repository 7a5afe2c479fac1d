import { expect, test } from '@playwright/test';
import { gatehouse } from '../cli';
import { sharedGateway } from '../gateway';
import { SESSION_FILE } from './session';

test.describe.configure({ mode: 'serial' });

test('without a session every page leads to sign-in, and shows nothing', async ({ page }) => {
  const { consoleUrl } = sharedGateway();
  for (const path of ['/', '/approvals', '/audit', '/sessions', '/rules', '/masking', '/policy', '/connections', '/principals']) {
    await page.goto(`${consoleUrl}${path}`);
    await expect(page).toHaveURL(/\/sign-in/);
  }
  const answer = await page.request.get(`${consoleUrl}/api/trpc/connections.list`);
  expect(answer.status()).toBe(401);
});

test('a wrong link is refused in words', async ({ page }) => {
  await page.goto(`${sharedGateway().consoleUrl}/sign-in?link=gh_ln_wrong`);
  await expect(page.getByText('This link no longer works')).toBeVisible();
});

test('following the link changes nothing; opening it in a browser signs in, and the link is spent', async ({ page, browser }) => {
  const { consoleUrl } = sharedGateway();
  // The one that was printed at the start may be too old by now.
  const link = (await gatehouse(sharedGateway(), ['sign-in'])).stdout.trim();
  // A mail scanner follows the link first.
  for (let i = 0; i < 2; i++) expect((await page.request.get(link)).status()).toBe(200);
  await page.goto(link);
  await expect(page).not.toHaveURL(/gh_ln_/);
  await expect(page).toHaveURL(`${consoleUrl}/`);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.getByText('admin').first()).toBeVisible();
  const cookies = await page.context().cookies();
  const session = cookies.find((cookie) => /session/.test(cookie.name));
  expect(session).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  await page.context().storageState({ path: SESSION_FILE });

  const second = await browser.newPage();
  await second.goto(link);
  await expect(second.getByText('This link no longer works')).toBeVisible();
  await second.goto(`${consoleUrl}/approvals`);
  await expect(second).toHaveURL(/\/sign-in/);
  await second.close();
});
