import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
import { directSettings, open, proxySettings } from '../clients';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);

async function recordResults(results: 'off' | 'masked'): Promise<void> {
  const shop = (await admin.connections.list.query()).find((one) => one.name === 'shop');
  if (shop === undefined) throw new Error('no connection shop');
  await admin.connections.save.mutate({ ...shop, record: { results, maxRows: 50 } });
}

/** Runs statements in a session of its own and leaves it; its id when all of them are in the store. */
async function session(name: string, texts: readonly string[]): Promise<string> {
  const client = await open(proxySettings(gateway, { applicationName: name }));
  for (const text of texts) await client.query(text).catch(() => undefined);
  await client.end();
  let id = '';
  await expect
    .poll(async () => {
      const { items } = await admin.sessions.list.query({ state: 'all' });
      const found = items.find((one) => one.applicationName === name);
      id = found?.id ?? '';
      return found?.endedAt === null ? 0 : (found?.statements ?? 0);
    })
    .toBe(texts.length);
  return id;
}

const steps = (page: Page) => page.getByRole('group', { name: 'Statements of this session' });

test.afterAll(() => recordResults('off'));

test('where results are not recorded the replay says so, and how to turn it on', async ({ page }) => {
  const id = await session('replay-off', ['SELECT 1 AS one']);
  await page.goto(`${gateway.consoleUrl}/sessions/${id}`);
  await expect(page.getByText('Results are not recorded on shop')).toBeVisible();
  await expect(page.getByText('results: masked, maxRows: 200')).toBeVisible();
});

test('the replay shows what the client saw, masked, step by step, by keys and by itself', async ({ page }) => {
  await recordResults('masked');
  const direct = await open(directSettings(gateway));
  const [{ ssn }] = (await direct.query('SELECT ssn FROM customers WHERE id = 1')).rows as [{ ssn: string }];
  await direct.end();
  // The workers hear of the connection's setting a moment later.
  let id = '';
  await expect
    .poll(
      async () => {
        id = await session(`replay-${Date.now()}`, [
          'SELECT id, ssn, NULL AS nothing FROM customers WHERE id = 1',
          'BEGIN',
          "SELECT 'in the block' AS place",
          'ROLLBACK',
          'SELECT 1/0',
        ]);
        const { items } = await admin.sessions.statements.query({ id });
        return (await admin.audit.results.query({ statementId: items[0]?.id ?? '' }))?.rows.length;
      },
      { timeout: 20_000 },
    )
    .toBe(1);

  await page.goto(`${gateway.consoleUrl}/sessions/${id}`);
  const result = page.getByRole('region', { name: 'What the client saw' });
  await expect(result.getByText(/^\*{3}-\*{2}-\d{4}$/)).toBeVisible();
  await expect(result.getByText('NULL', { exact: true })).toBeVisible();
  await expect(page.locator('body')).not.toContainText(ssn);

  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await expect(page.getByText('Statement 3 of 5')).toBeVisible();
  await expect(result.getByText('in the block')).toBeVisible();
  await expect(page).toHaveURL(/stm=stm_/);
  await steps(page).getByRole('button').last().click();
  await expect(page.getByText('SQLSTATE')).toBeVisible();

  // From the end it begins again, and stops by itself at the end.
  await page.getByRole('combobox', { name: 'Replay speed' }).selectOption('8 ×');
  await page.getByRole('button', { name: 'Replay from start' }).click();
  await expect(page.getByText(/Statement [12] of 5/)).toBeVisible();
  await expect(page.getByText('Statement 5 of 5')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Replay from start' })).toBeVisible();

  const timeline = page.getByRole('group', { name: 'Timeline' });
  await expect(timeline.getByTitle(/^Transaction, rolled back/)).toBeVisible();
  await page.getByRole('button', { name: 'Zoom in' }).click();
  await expect(page.getByRole('status').filter({ hasText: /^2 ×$/ })).toBeVisible();
  await timeline.locator('[data-statement]').first().click();
  await expect(page.getByText('Statement 1 of 5')).toBeVisible();
  await page.getByRole('button', { name: 'Open record' }).click();
  await expect(page.getByRole('dialog', { name: 'Statement' }).getByRole('heading', { name: 'Integrity' })).toBeVisible();
});

test('a statement is proved in the page: the entry, the checkpoint, what gateway and browser found, and a file', async ({ page }) => {
  const mark = `proof_${Date.now().toString(36)}`;
  await session(`proof-${mark}`, [`SELECT 1 AS ${mark}`]);
  const [row] = (await admin.audit.search.query({ q: mark })).items;
  await expect
    .poll(
      () =>
        admin.audit.prove.query({ id: row?.id ?? '' }).then(
          () => 'proved',
          (error: Error) => error.message,
        ),
      { timeout: 40_000 },
    )
    .toBe('proved');
  await page.goto(`${gateway.consoleUrl}/audit/${row?.id}`);
  await page.getByRole('button', { name: 'Verify statement' }).click();
  await expect(page.getByText('Proved: it stands in the log as it was written')).toBeVisible();
  await expect(page.getByText('The gateway found')).toBeVisible();
  await expect(page.getByText(/is the record of stm_/)).toBeVisible();
  await expect(page.getByText(/^of [\d,]+ entries, root/)).toBeVisible();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download proof' }).click()]);
  expect(file.suggestedFilename()).toBe(`${row?.id}.proof`);
  const { gatehouse } = await import('../cli');
  const verified = await gatehouse(gateway, ['audit', 'verify', await file.path()]);
  expect(verified.stderr).toBe('');
  expect(verified.code).toBe(0);

  await page.goto(`${gateway.consoleUrl}/audit?tab=integrity`);
  await expect(page.getByText('Intact').first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Copy public key' })).toBeVisible();
  const [checkpoint] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download checkpoint' }).click(),
  ]);
  expect(checkpoint.suggestedFilename()).toMatch(/\.checkpoint$/);
  const note = readFileSync(await checkpoint.path(), 'utf8');
  expect(note).toMatch(/^gatehouse\/[^\n]+\n\d+\n[A-Za-z0-9+/]{43}=\n[\s\S]*\n\n— gatehouse\/\S+ \S+\n/);
});

test('axe finds nothing on the page of a session, on a desk and on a phone', async ({ page }) => {
  const [one] = (await admin.sessions.list.query({ state: 'all' })).items;
  const problems: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 375]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 800 });
      await page.goto(`${gateway.consoleUrl}/sessions/${one?.id}`);
      await expect(page.getByRole('heading', { name: 'Replay' })).toBeVisible();
      await page.waitForTimeout(400);
      const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze();
      for (const { id, nodes } of violations) problems.push(`${colorScheme} ${width}: ${id} ${nodes[0]?.target.join(' ')}`);
      await page.screenshot({ path: `test-results/pages/session-${colorScheme}-${width}.png` });
    }
  expect(problems).toEqual([]);
});
