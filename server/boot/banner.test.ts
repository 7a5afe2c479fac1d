import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { psqlLine, renderBanner } from './banner';

const demo = { connection: 'shop', agent: 'support-bot', token: 'gh_at_abc-_9' };

test('the psql line gives psql the password and one connection string, as a shell reads it', () => {
  // Stands where psql would and says what it was given.
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-banner-'));
  writeFileSync(join(folder, 'psql'), '#!/bin/sh\necho "$PGPASSWORD|$1|$#"\n', { mode: 0o755 });
  const line = psqlLine({ proxyHost: '0.0.0.0', proxyPort: 6432 }, demo);
  const said = execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8', env: { ...process.env, PATH: `${folder}:${process.env.PATH}` } });
  rmSync(folder, { recursive: true });
  expect(said).toBe('gh_at_abc-_9|host=127.0.0.1 port=6432 dbname=shop user=support-bot|1\n');
});

test('without a demo or an administrator nothing is printed that would not work', () => {
  const text = renderBanner({
    consoleUrl: 'http://127.0.0.1:3000',
    signInAddress: null,
    proxyHost: '::',
    proxyPort: 1,
    demo: null,
    dataDir: '/d',
  });
  expect(text).not.toMatch(/psql|Sign in/);
  expect(text).toContain('::1');
});
