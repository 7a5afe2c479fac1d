import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
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
  direct = await open(directSettings(gateway));
  await direct.query(`
    DROP TABLE IF EXISTS weighed_lines, weighed, weighed_log;
    CREATE TABLE weighed (id int PRIMARY KEY, note text);
    CREATE TABLE weighed_lines (id int PRIMARY KEY, weighed int REFERENCES weighed ON DELETE CASCADE);
    CREATE TABLE weighed_log (what text);
    CREATE OR REPLACE FUNCTION weighed_note() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO weighed_log VALUES (OLD.note); RETURN NULL; END $$;
    CREATE TRIGGER weighed_note AFTER DELETE ON weighed FOR EACH ROW EXECUTE FUNCTION weighed_note();
    GRANT ALL ON weighed, weighed_lines, weighed_log TO shop_app;
    INSERT INTO weighed SELECT g, 'row ' || g FROM generate_series(1, 6) AS g;
    INSERT INTO weighed_lines SELECT g, 1 + g % 6 FROM generate_series(1, 24) AS g`);
  client = await open(settings);
});
test.afterEach(async () => {
  await client.end().catch(() => undefined);
  await direct.query('DROP TABLE IF EXISTS weighed_lines, weighed, weighed_log; DROP FUNCTION IF EXISTS weighed_note()');
  await direct.end();
});

const panel = (page: Page) => page.getByRole('region', { name: 'Approval request' }).or(page.getByRole('dialog'));
const held = (text: string) =>
  eventually('held', async () => (await admin.approvals.list.query({ status: 'open' })).items.find((item) => item.sql.includes(text)));

test('what it touches, then measured on a click: bars of rows by table, a sample, what a release may do', async ({ page }) => {
  const answer = client.query('DELETE FROM weighed WHERE id IN (1, 2)');
  const { id } = await held('FROM weighed');
  await page.goto(`${gateway.consoleUrl}/approvals/${id}`);
  const card = panel(page);
  await expect(card.getByText('public.weighed_note()')).toBeVisible();
  await expect(card.getByRole('list', { name: 'Cascades' })).toContainText('deletes rows of');
  await expect(card.getByText('The planner expects about')).toBeVisible();
  await card.getByRole('button', { name: 'Measure impact' }).click();
  await expect(card.getByText('12 rows', { exact: true }).first()).toBeVisible();
  const bars = card.getByRole('list', { name: 'Rows by table' });
  await expect(bars).toContainText('−8 deleted');
  await expect(bars).toContainText('+2 inserted');
  await expect(card.getByRole('figure', { name: 'Sample of public.weighed', exact: true })).toContainText('row 1');
  await expect(card.getByText('when it is released, it is rolled back')).toBeVisible();
  expect((await direct.query('SELECT count(*)::int AS n FROM weighed')).rows).toEqual([{ n: 6 }]);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id: rule, nodes }) => `${rule}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  await card.getByRole('button', { name: 'Approve statement' }).click();
  expect((await answer).rowCount).toBe(2);
});

test('what cannot be measured says why, and offers no button to press', async ({ page }) => {
  await client.query('BEGIN');
  await client.query("INSERT INTO weighed VALUES (7, 'mine')");
  const answer = client.query('DELETE FROM weighed WHERE id = 7').catch(() => null);
  const { id } = await held('id = 7');
  await page.goto(`${gateway.consoleUrl}/approvals/${id}`);
  const card = panel(page);
  await expect(card.getByText('Its transaction has changes that nobody else sees yet')).toBeVisible();
  await expect(card.getByText('has uncommitted changes')).toBeVisible();
  await expect(card.getByRole('button', { name: 'Measure impact' })).toBeDisabled();
  await admin.approvals.reject.mutate({ id, reason: 'end of test' });
  await answer;
});

for (const scheme of ['light', 'dark'] as const)
  test(`on a phone, ${scheme}: measured without sideways scroll, axe finds nothing`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 375, height: 800 });
    const answer = client.query('DELETE FROM weighed WHERE id = 3').catch(() => null);
    const { id } = await held('id = 3');
    await eventually(
      'measured',
      async () => (await admin.approvals.measure.mutate({ id }).catch(() => null))?.measured?.kind === 'measured',
    );
    await page.goto(`${gateway.consoleUrl}/approvals/${id}`);
    await expect(panel(page).getByRole('list', { name: 'Rows by table' })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(375);
    await panel(page).getByRole('list', { name: 'Rows by table' }).scrollIntoViewIfNeeded();
    await page.screenshot({ path: `test-results/impact-375-${scheme}.png` });
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id: rule, nodes }) => `${rule}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
    await admin.approvals.reject.mutate({ id, reason: 'end of test' });
    await answer;
  });
