import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { LockedError, takeLock } from './lock';
import { startedAt } from './process';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a lock is held until it is released, and leaves nothing beside it', () => {
  const path = join(folder, 'one');
  const lock = takeLock(path);
  expect(() => takeLock(path)).toThrow(LockedError);
  lock.release();
  takeLock(path).release();
  expect(readdirSync(folder)).toEqual([]);
});

test('a holder that was killed a moment ago is waited for, not refused', async () => {
  const path = join(folder, 'two');
  const holder = spawn('sleep', ['60']);
  const pid = holder.pid ?? 0;
  writeFileSync(path, JSON.stringify({ pid, startedAt: startedAt(pid) }));
  expect(() => takeLock(path)).toThrow(`held by process ${pid}`);
  // Until this process collects it, and it cannot while takeLock blocks, the holder stays in the process table.
  holder.kill('SIGKILL');
  takeLock(path).release();
});

test.each([
  ['a pid that now belongs to another program', JSON.stringify({ pid: process.ppid, startedAt: '1' })],
  ['our own pid from before a restart', JSON.stringify({ pid: process.pid, startedAt: '1' })],
  ['nothing readable', 'half a l'],
])('a lock that names %s is taken over', (_, content) => {
  const path = join(folder, 'three');
  writeFileSync(path, content);
  const lock = takeLock(path);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
  lock.release();
});
