import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
import { directSettings, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);

const RUN = 20;
const COPIES = 200;
const ALL = RUN * COPIES;
const all = ALL.toLocaleString('en');

const steps = (page: Page) => page.getByRole('group', { name: 'Statements of this session' });
const timeline = (page: Page) => page.getByRole('group', { name: 'Timeline' });
const number = async (page: Page) => Number(/Statement ([\d,]+) of/.exec(await page.locator('body').innerText())?.[1]?.replaceAll(',', ''));

async function sessionNamed(name: string, ended: boolean, count: number): Promise<string> {
  let id = '';
  await expect
    .poll(async () => {
      const found = (await admin.sessions.list.query({ state: 'all' })).items.find((one) => one.applicationName === name);
      id = found?.id ?? '';
      return found !== undefined && (found.endedAt !== null) === ended ? found.statements : 0;
    })
    .toBe(count);
  return id;
}

/** Some statements through the proxy, and the same ones again and again in the minutes before, as the store has them. */
async function longSession(): Promise<string> {
  const name = `long-${Date.now()}`;
  const client = await open(proxySettings(gateway, { applicationName: name }));
  for (let n = 0; n < RUN; n++) await client.query(n === 13 ? 'SELECT 1/0' : `SELECT ${n} AS place`).catch(() => undefined);
  await client.end();
  const id = await sessionNamed(name, true, RUN);
  const store = await open(directSettings(gateway, 'gatehouse'));
  try {
    // Of the day it ran on, the store has partitions.
    const { rows } = await store.query<{ stepMs: number }>(
      `SELECT least(2500, floor(extract(epoch FROM started_at - date_trunc('day', started_at, 'UTC')) * 1000 / $2))::int AS "stepMs" FROM sessions WHERE id = $1`,
      [id, COPIES],
    );
    const stepMs = rows[0]?.stepMs ?? 0;
    await store.query(`UPDATE sessions SET started_at = started_at - $2 * interval '1 millisecond', statements_run = $3 WHERE id = $1`, [
      id,
      stepMs * COPIES,
      ALL,
    ]);
    const { rows: columns } = await store.query<{ name: string }>(
      `SELECT quote_ident(attname) AS name FROM pg_attribute WHERE attrelid = 'statements'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('id', 'at')`,
    );
    const rest = columns.map((one) => one.name).join(', ');
    const copy = `left(id, 14) || lpad(k::text, 5, '0') || substr(id, 20), at - k * interval '${stepMs} milliseconds'`;
    await store.query(
      `INSERT INTO statement_values (id, at, key_id, box) SELECT ${copy}, key_id, box FROM statement_values v, generate_series(1, $2::int - 1) k
       WHERE id IN (SELECT id FROM statements WHERE session_id = $1)`,
      [id, COPIES],
    );
    await store.query(
      `INSERT INTO statements (id, at, ${rest}) SELECT ${copy}, ${rest} FROM statements, generate_series(1, $2::int - 1) k WHERE session_id = $1`,
      [id, COPIES],
    );
  } finally {
    await store.end();
  }
  return id;
}

let id = '';
/** Its statements 201 to 250. */
let far: string[] = [];

test.beforeAll(async () => {
  id = await longSession();
  const { after } = await admin.sessions.statements.query({ id, limit: 200 });
  far = (await admin.sessions.statements.query({ id, limit: 50, cursor: after })).items.map((row) => row.id);
});

async function goTo(page: Page, statement: number): Promise<void> {
  await page.goto(`${gateway.consoleUrl}/sessions/${id}?stm=${far[statement - 201]}`);
  await expect(page.getByText(`Statement ${statement} of ${all}`)).toBeVisible();
}

test('a link to a statement opens there, and the list goes on from it both ways', async ({ page }) => {
  await goTo(page, 235);
  await expect(steps(page).locator('[aria-current="step"]')).toBeInViewport();
  await expect(steps(page).locator('li[aria-posinset="235"] [aria-current="step"]')).toHaveCount(1);

  // Without a gap, and it keeps no more than a few windows.
  const places = () =>
    steps(page)
      .locator('li')
      .evaluateAll((items) => items.map((item) => Number(item.getAttribute('aria-posinset'))));
  const scrollUntil = async (to: 'top' | 'bottom', reached: (numbers: number[]) => boolean) => {
    await expect
      .poll(
        async () => {
          await steps(page).evaluate((area, end) => area.scrollTo({ top: end === 'top' ? 0 : area.scrollHeight }), to);
          const numbers = await places();
          expect(numbers.length).toBeLessThanOrEqual(400);
          expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
          return reached(numbers);
        },
        { timeout: 40_000 },
      )
      .toBe(true);
  };
  await scrollUntil('bottom', (numbers) => (numbers.at(-1) ?? 0) >= 900);
  await expect(page.getByText(`Statement 235 of ${all}`)).toBeVisible();
  await scrollUntil('top', (numbers) => numbers[0] === 1);
  await steps(page).locator('li[aria-posinset="3"] button').click();
  await expect(page.getByText(`Statement 3 of ${all}`)).toBeVisible();

  await page.goto(`${gateway.consoleUrl}/sessions/${id}?stm=stm_none`);
  await page.getByRole('button', { name: 'Show first statement' }).click();
  await expect(page.getByText(`Statement 1 of ${all}`)).toBeVisible();
});

test('the replay goes over the ends of windows, forwards by itself and back by hand', async ({ page }) => {
  test.setTimeout(120_000);
  await goTo(page, 201);
  await page.getByRole('combobox', { name: 'Replay speed' }).selectOption('8 ×');
  await page.evaluate(() => {
    const seen: { number: number; atMs: number }[] = [];
    Object.assign(window, { seen });
    new MutationObserver(() => {
      const found = /Statement ([\d,]+) of/.exec(
        [...document.querySelectorAll('[role="status"]')].map((one) => one.textContent).join(),
      )?.[1];
      const shown = Number(found?.replaceAll(',', ''));
      if (found !== undefined && seen.at(-1)?.number !== shown) seen.push({ number: shown, atMs: performance.now() });
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await page.getByRole('button', { name: 'Play replay' }).click();
  await expect.poll(() => number(page), { timeout: 60_000 }).toBeGreaterThan(270);
  await page.getByRole('button', { name: 'Pause replay' }).click();
  const seen = await page.evaluate(() => (window as unknown as { seen: { number: number; atMs: number }[] }).seen);
  expect(seen[0]?.number).toBeLessThanOrEqual(202);
  expect(seen.map((one) => one.number)).toEqual(seen.map((_, index) => (seen[0]?.number ?? 0) + index));
  const gaps = seen.slice(1).map((one, index) => one.atMs - (seen[index]?.atMs ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(3_000);
  const at = await number(page);
  for (let back = 0; back < 5; back++) await page.keyboard.press('k');
  await expect(page.getByText(`Statement ${at - 5} of ${all}`)).toBeVisible();
});

test('the timeline counts all of them, and a column leads to its first one, by pointer and by keys', async ({ page }) => {
  await goTo(page, 235);
  const columns = timeline(page).locator('[data-column]');
  const labels = await columns.evaluateAll((items) => items.map((item) => item.getAttribute('aria-label') ?? ''));
  const counts = labels.map((label) => Number(/^[\d,]+/.exec(label)?.[0].replaceAll(',', '')));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(ALL);
  const failures = labels.map((label) => Number(/([\d,]+) failed/.exec(label)?.[1]?.replaceAll(',', '') ?? 0));
  expect(failures.reduce((sum, count) => sum + count, 0)).toBe(COPIES);
  // How many fall into one column is a matter of how long the session took.
  expect(failures.filter((count) => count > 0).length).toBeGreaterThan(20);
  const chosen = Math.floor(counts.length / 2);
  const before = counts.slice(0, chosen).reduce((sum, count) => sum + count, 0);
  await columns.nth(chosen).click();
  await expect(page.getByText(`Statement ${(before + 1).toLocaleString('en')} of ${all}`)).toBeVisible();
  await expect(columns.nth(chosen)).toHaveAttribute('aria-current', 'true');
  await columns.nth(chosen).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expect(page.getByText(`Statement ${(before + (counts[chosen] ?? 0) + 1).toLocaleString('en')} of ${all}`)).toBeVisible();
  await expect(steps(page).locator('[aria-current="step"]')).toBeInViewport();
});

test('axe finds nothing on the page of a long session, on a desk and on a phone', async ({ page }) => {
  test.setTimeout(120_000);
  const problems: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 375]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 800 });
      await goTo(page, 235);
      await page.waitForTimeout(400);
      const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
      for (const { id: rule, nodes } of violations) problems.push(`${colorScheme} ${width}: ${rule} ${nodes[0]?.target.join(' ')}`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      await page.screenshot({ path: `test-results/pages/long-session-${colorScheme}-${width}.png`, fullPage: true });
    }
  expect(problems).toEqual([]);
});

test('an open session grows on the page', async ({ page }) => {
  const name = `growing-${Date.now()}`;
  const client = await open(proxySettings(gateway, { applicationName: name }));
  await client.query("SELECT 'one' AS place");
  const id = await sessionNamed(name, false, 1);
  await page.goto(`${gateway.consoleUrl}/sessions/${id}`);
  await expect(page.getByText('Statement 1 of 1')).toBeVisible();
  await client.query("SELECT 'another' AS place");
  await expect(page.getByText('Statement 1 of 2')).toBeVisible({ timeout: 20_000 });
  await expect(steps(page).getByText('another')).toBeVisible();
  await expect(timeline(page).locator('[data-statement]')).toHaveCount(2);
  await page.keyboard.press('j');
  await expect(page.getByText('Statement 2 of 2')).toBeVisible();
  await client.end();
});
