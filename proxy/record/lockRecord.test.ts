import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startedAt } from '../../db/embedded/process';
import { lockRecord } from './lockRecord';
import { recordDirectory } from './segments';

test('a recorder that is left behind is waited for, and said when it does not go', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-lock-'));
  const left = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
  await once(left, 'spawn');
  const pid = left.pid ?? 0;
  mkdirSync(recordDirectory(dir), { recursive: true });
  writeFileSync(join(recordDirectory(dir), 'recorder.lock'), JSON.stringify({ pid, startedAt: startedAt(pid) }));
  await expect(lockRecord(dir, 100)).rejects.toThrow(`is still written by process ${pid}`);
  setTimeout(() => left.kill('SIGKILL'), 300);
  const lock = await lockRecord(dir, 10_000);
  lock.release();
  rmSync(dir, { recursive: true });
});
