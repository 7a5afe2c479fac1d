import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readOperatorKey } from './operatorKey';

const dir = () => mkdtempSync(join(tmpdir(), 'gatehouse-key-'));
const key = randomBytes(32);

test('the operator’s key comes from the environment, a file or a command, and what another keeps is not replaced here', async () => {
  const file = join(dir(), 'key');
  writeFileSync(file, `${key.toString('base64')}\n`);
  expect(await readOperatorKey('/nowhere', { key })).toEqual({ key, replace: null });
  expect(await readOperatorKey('/nowhere', { file })).toEqual({ key, replace: null });
  expect(await readOperatorKey('/nowhere', { command: `base64 -d < ${file} | base64 -w0` })).toEqual({ key, replace: null });
});

test('without any it is made once, kept for its owner alone, and replaced by a rotation', async () => {
  const data = dir();
  const made = await readOperatorKey(data, null);
  expect((await readOperatorKey(data, null)).key).toEqual(made.key);
  made.replace?.(key);
  expect(readFileSync(join(data, 'secret-key'), 'utf8').trim()).toBe(key.toString('base64'));
  expect(statSync(join(data, 'secret-key')).mode & 0o777).toBe(0o600);
  expect((await readOperatorKey(data, null)).key).toEqual(key);
});

test.each([
  [{ file: '/nowhere/key' }, 'GATEHOUSE_SECRET_KEY_FILE cannot be read: ENOENT'],
  [{ command: 'echo short' }, 'GATEHOUSE_SECRET_KEY_COMMAND must print 32 bytes'],
  [{ command: 'echo denied by policy >&2; exit 2' }, 'GATEHOUSE_SECRET_KEY_COMMAND failed (2): denied by policy'],
])('what gives no key says so: %j', async (given, words) => {
  await expect(readOperatorKey('/nowhere', given)).rejects.toThrow(words);
});
