import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Gateway } from './gateway';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs `npx gatehouse …` as on the gateway's own machine: its address and the administrator's token are found in the data directory. */
export function gatehouse(
  gateway: Gateway,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['bin/gatehouse.mjs', ...args], {
      cwd: root,
      env: { ...process.env, GATEHOUSE_URL: '', GATEHOUSE_DATA_DIR: gateway.dataDir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ stdout, stderr, code }));
  });
}
