import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '@playwright/test';
import { gatehouse } from '../cli';
import { sharedGateway } from '../gateway';

const gateway = sharedGateway();
const config = mkdtempSync(join(tmpdir(), 'gatehouse-device-'));
const env = {
  XDG_CONFIG_HOME: config,
  GATEHOUSE_URL: gateway.consoleUrl,
  GATEHOUSE_DATA_DIR: join(config, 'nowhere'),
  GATEHOUSE_TOKEN: '',
};
test.afterAll(() => rmSync(config, { recursive: true, force: true }));

/** A command line that waits for its person; `address` and `code` are what it printed. */
async function waitingLogin(...args: string[]) {
  const child = spawn(process.execPath, ['bin/gatehouse.mjs', 'login', ...args], { env: { ...process.env, ...env } });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await expect.poll(() => err, { timeout: 15_000 }).toMatch(/code [A-Z]{4}-[A-Z]{4}/);
  return {
    address: /^Open (\S+)$/m.exec(err)?.[1] ?? '',
    code: /code ([A-Z]{4}-[A-Z]{4})/.exec(err)?.[1] ?? '',
    end: async () => ({ code: await ended, out, err }),
  };
}

test('a command line is signed in by its person, who sees what asks; then it works, and logs out', async ({ page }) => {
  const waiting = await waitingLogin();
  await page.goto(waiting.address);
  await expect(page.getByRole('heading', { name: 'gatehouse command line' })).toBeVisible();
  await expect(page.getByText('every connection you may use')).toBeVisible();
  for (const [scheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['light', 375],
    ['dark', 375],
  ] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 800 });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    await page.screenshot({ path: `test-results/pages/device-${scheme}-${width}.png` });
  }
  await page.getByRole('button', { name: /^Sign it in as/ }).click();
  await expect(page.getByRole('status').getByText('Signed in')).toBeVisible();
  expect(await waiting.end()).toMatchObject({ code: 0 });
  expect((await gatehouse(gateway, ['sessions', 'list'], env)).code).toBe(0);
  expect((await gatehouse(gateway, ['logout'], env)).code).toBe(0);
  expect((await gatehouse(gateway, ['sessions', 'list'], env)).stderr).toContain('gatehouse login');
});

test('a code is typed; one that nobody waits with is said; refusing is heard', async ({ page }) => {
  const waiting = await waitingLogin('--connections', 'shop');
  await page.goto(`${gateway.consoleUrl}/device`);
  await page.getByLabel('Code').fill('bcdf ghjk');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'Nothing waits with this code' })).toBeVisible();
  await page.getByRole('button', { name: 'Enter another code' }).click();
  await page.getByLabel('Code').fill(waiting.code.toLowerCase().replace('-', ''));
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByText('shop', { exact: true })).toBeVisible();
  await page.getByRole('button', { name: 'Refuse' }).click();
  await expect(page.getByText('The program was told no')).toBeVisible();
  const ended = await waiting.end();
  expect(ended.code).toBe(1);
  expect(ended.err).toContain('the sign-in was refused');
});
