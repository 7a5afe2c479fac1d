import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SUPERUSER, superuserPassword } from '../db/embedded/cluster';
import { directSettings, open } from './clients';
import type { Gateway } from './gateway';

export interface LoneWorker {
  port: number;
  pid: number;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
}

/**
 * A proxy worker of its own on the store of a running gateway, with a data directory nobody else reads: what is in its journals stays there.
 * @param wrap a shell's words in front of the command, e.g. limits that it is to have
 */
export async function startLoneWorker(gateway: Gateway, dataDir: string, wrap = ''): Promise<LoneWorker> {
  const { port } = JSON.parse(readFileSync(join(gateway.dataDir, 'embedded.json'), 'utf8')) as { port: number };
  const child = spawn('sh', ['-c', `${wrap} exec "${process.execPath}" dist/worker.js`], {
    env: {
      ...process.env,
      DATABASE_URL: `postgres://${SUPERUSER}:${encodeURIComponent(superuserPassword(gateway.dataDir))}@127.0.0.1:${port}/gatehouse`,
      GATEHOUSE_SECRET_KEY: readFileSync(join(gateway.dataDir, 'secret-key'), 'utf8').trim(),
      GATEHOUSE_DATA_DIR: dataDir,
      GATEHOUSE_ID: 'gw_lone',
      GATEHOUSE_WORKER: 'w1',
      PROXY_PORT: '0',
      CONSOLE_URL: gateway.consoleUrl,
      PROXY_TLS_CERT: join(gateway.dataDir, 'tls', 'proxy.crt'),
      PROXY_TLS_KEY: join(gateway.dataDir, 'tls', 'proxy.key'),
    },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.send({ type: 'begin' });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
    child.on('message', (message: { type: string; port?: number }) => {
      if (message.type === 'ready') resolve(message.port ?? 0);
    });
  });
  return {
    port: await ready,
    pid: child.pid ?? 0,
    async kill() {
      child.kill('SIGKILL');
      await gone;
      await closeSessions(gateway);
    },
  };
}

/** As the supervisor does for workers of its own: their places are free again. */
async function closeSessions(gateway: Gateway): Promise<void> {
  const store = await open(directSettings(gateway, 'gatehouse'));
  await store.query("UPDATE sessions SET ended_at = now(), end_reason = 'worker died' WHERE gateway_id = 'gw_lone' AND ended_at IS NULL");
  await store.end();
}
