import { expect, test } from '@playwright/test';
import { sharedGateway } from '../gateway';
import { PAGES } from './paths';

test('no page breaks the content security policy, none says anything on the console, and a foreign script does not run', async ({
  page,
}) => {
  test.setTimeout(120_000);
  const { consoleUrl } = sharedGateway();
  const said: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || /content security policy/i.test(message.text())) said.push(`${page.url()}: ${message.text()}`);
  });
  await page.exposeFunction('violated', (what: string) => said.push(what));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { violated } = window as unknown as { violated(what: string): void };
      violated(`${location.pathname}: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  for (const path of [...PAGES, '/sign-in?link=gh_ln_example']) {
    const answer = await page.goto(`${consoleUrl}${path}`);
    const policy = answer?.headers()['content-security-policy'] ?? '';
    expect(policy).toMatch(/script-src 'self' 'nonce-[A-Za-z0-9+/=]{24}'/);
    expect(policy).not.toMatch(/script-src[^;]*unsafe-inline/);
    await expect(page.getByRole('heading').first()).toBeVisible();
    await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => undefined);
  }
  // The link is refused with 401, which the browser says in its own words.
  expect(said.filter((line) => !/status of 401/.test(line))).toEqual([]);

  // The theme runs before the first paint, by its nonce.
  await page.goto(`${consoleUrl}/`);
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toMatch(/light|dark/);
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.injected = true';
    document.body.append(script);
  });
  expect(await page.evaluate(() => 'injected' in window)).toBe(false);
  await expect.poll(() => said.some((line) => line.includes('script-src'))).toBe(true);
});
