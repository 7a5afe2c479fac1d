import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { apiAsAdmin } from '../api';
import { open, proxySettings } from '../clients';
import { startGateway } from '../gateway';

/** Changes one letter of an entry in the log on disk, as somebody with access to the machine could. */
function tamper(dataDir: string, text: string): void {
  for (const file of readdirSync(join(dataDir, 'record'), { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    const bytes = readFileSync(path);
    const at = bytes.indexOf(text);
    if (at < 0) continue;
    bytes.write('X', at + 1);
    writeFileSync(path, bytes);
    return;
  }
  throw new Error(`${text} is not in the log`);
}

test('a log that is not as it was written is a red banner on every page', async ({ browser }) => {
  test.setTimeout(180_000);
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-broken-'));
  const dataDir = join(root, 'data');
  try {
    const first = await startGateway({ dataDir, log: join(root, 'log') });
    try {
      const client = await open(proxySettings(first, { applicationName: 'tampered-with' }));
      await client.query('SELECT 1 AS before');
      await client.end();
      await expect
        .poll(async () => (await apiAsAdmin(first).audit.status.query()).nodes[0]?.checkpoint?.size ?? 0, { timeout: 40_000 })
        .toBeGreaterThan(3);
    } finally {
      await first.stop();
    }
    tamper(dataDir, 'tampered-with');
    const again = await startGateway({ dataDir, log: join(root, 'log2') });
    try {
      const page = await (await browser.newContext({ storageState: { cookies: [], origins: [] } })).newPage();
      await page.goto(again.link);
      await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
      const banner = page.getByRole('alert').filter({ hasText: 'is broken' });
      await expect(banner).toBeVisible({ timeout: 45_000 });
      for (const path of ['/approvals', '/rules', '/reports']) {
        await page.goto(`${again.consoleUrl}${path}`);
        await expect(banner).toBeVisible();
      }
      const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag22aa']).analyze();
      expect(violations.map(({ id }) => id)).toEqual([]);
      await banner.getByRole('link', { name: 'See what was found' }).click();
      await expect(page.getByText('Broken', { exact: true })).toBeVisible();
      await page.screenshot({ path: 'test-results/pages/integrity-broken.png' });
    } finally {
      await again.stop();
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
