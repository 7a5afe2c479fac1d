import { type Browser, expect, type Page, test } from '@playwright/test';
import { apiAsAdmin, makePrincipal } from '../api';
import { directSettings, failure, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const settings = proxySettings(gateway);
const admin = apiAsAdmin(gateway);

test.beforeEach(async () => {
  for (const item of (await admin.approvals.list.query({ status: 'open' })).items)
    await admin.approvals.reject.mutate({ id: item.id, reason: 'left over' });
});

let bo: Page;
let cy: Page;
test.beforeAll(async ({ browser }) => {
  await makePrincipal(admin, { name: 'cy', kind: 'human', role: 'reviewer', groups: ['dba'] });
  [bo, cy] = await Promise.all([signIn(browser, 'bo'), signIn(browser, 'cy')]);
});
test.afterAll(async () => {
  await bo.context().close();
  await cy.context().close();
});

/** Opens a link in a browser of its own. */
async function follow(browser: Browser, link: string): Promise<Page> {
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  await page.goto(link);
  await expect(page).toHaveURL(`${gateway.consoleUrl}/`);
  return page;
}

async function signIn(browser: Browser, name: string): Promise<Page> {
  const person = (await admin.principals.list.query()).find((one) => one.name === name);
  const { path } = await admin.principals.signInLink.mutate({ principal: person?.id ?? '' });
  return follow(browser, `${gateway.consoleUrl}${path}`);
}

const panel = (page: Page) => page.getByRole('region', { name: 'Approval request' });

async function openRequest(page: Page, id: string): Promise<void> {
  await page.goto(`${gateway.consoleUrl}/approvals/${id}`);
  await expect(panel(page).getByRole('button', { name: 'Approve statement' })).toBeEnabled();
}

async function waiting(text: string): Promise<string> {
  let id: string | undefined;
  await expect
    .poll(async () => {
      id = (await admin.approvals.list.query({ status: 'open' })).items.find((item) => item.sql.includes(text))?.id;
      return id;
    })
    .toBeDefined();
  return id ?? '';
}

test('two approvals by two people run the statement, one does not', async () => {
  const direct = await open(directSettings(gateway));
  await direct.query(
    'DROP TABLE IF EXISTS pair; CREATE TABLE pair (id int PRIMARY KEY); GRANT ALL ON pair TO shop_app; INSERT INTO pair VALUES (1), (2)',
  );
  const client = await open(settings);
  const answer = client.query('UPDATE pair SET id = id + 10');
  const id = await waiting('UPDATE pair');

  await openRequest(bo, id);
  await openRequest(cy, id);
  await panel(bo).getByRole('button', { name: 'Approve statement' }).click();
  await expect(panel(bo).getByText('1 of 2 approvals')).toBeVisible();
  await expect(panel(bo)).toContainText('another reviewer’s approval is needed');
  await expect(panel(cy).getByText('1 of 2 approvals')).toBeVisible();
  await expect(panel(cy).getByRole('listitem').filter({ hasText: 'bo approved' })).toBeVisible();
  expect((await direct.query('SELECT min(id) AS least FROM pair')).rows).toEqual([{ least: 1 }]);

  await panel(cy).getByRole('button', { name: 'Approve statement' }).click();
  expect((await answer).rowCount).toBe(2);
  await expect(panel(bo).getByText('Approved by cy')).toBeVisible();
  await expect(panel(bo).getByRole('button', { name: 'Approve statement' })).toHaveCount(0);
  await client.end();
  await direct.query('DROP TABLE pair');
  await direct.end();
});

test('two at one request that needs one: exactly one stands, and the other page says whose', async () => {
  const racing = await open(settings);
  const raced = racing.query('DELETE FROM orders WHERE id = 2147483100');
  const single = await waiting('2147483100');
  await openRequest(bo, single);
  await openRequest(cy, single);
  await Promise.all(
    [bo, cy].map((one) =>
      panel(one)
        .getByRole('button', { name: 'Approve statement' })
        .click({ timeout: 2_000 })
        .catch(() => undefined),
    ),
  );
  expect((await raced).rowCount).toBe(0);
  const decisions = (await admin.approvals.get.query({ id: single })).decisions;
  expect(decisions).toHaveLength(1);
  for (const one of [bo, cy]) await expect(panel(one).getByText(`Approved by ${decisions[0]?.reviewerName}`).first()).toBeVisible();
  await racing.end();
});

test('a member let in by an administrator’s link sees their own request, why they cannot decide it and who can; and no page of another role', async ({
  page,
  browser,
}) => {
  await page.goto(`${gateway.consoleUrl}/principals`);
  await page.getByRole('button', { name: 'Sign-in link for ana', exact: true }).click();
  await page.getByRole('button', { name: 'Create sign-in link' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('gh_ln_');
  const ana = await follow(browser, /http\S+gh_ln_[\w-]+/.exec((await dialog.innerText()).replace(/\n/g, ' '))?.[0] ?? '');
  const client = await open(settings);
  const answer = failure(client.query('DELETE FROM orders WHERE id = 2147483101'));
  const id = await waiting('2147483101');
  await ana.goto(`${gateway.consoleUrl}/approvals/${id}`);
  await expect(panel(ana)).toContainText('nobody decides their own agent’s request');
  await expect(panel(ana)).toContainText(/Can decide it: .*bo/);
  await expect(panel(ana).getByRole('button', { name: 'Approve statement' })).toHaveCount(0);
  await ana.goto(`${gateway.consoleUrl}/rules`);
  await expect(ana.getByText('Your role, member, does not read this page')).toBeVisible();
  await admin.approvals.reject.mutate({ id, reason: 'end of test' });
  await answer;
  await client.end();
  await ana.context().close();
});
