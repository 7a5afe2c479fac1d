import { join } from 'node:path';
import { DEMO_DATABASE, ensureDemo } from '../../db/demo/create';
import { keptSecret } from '../../db/embedded/cluster';
import { type EmbeddedPostgres, startEmbedded } from '../../db/embedded/start';
import { migrateStore } from '../../db/migrate';
import { newSecret } from '../../db/secrets';
import { type OpenStore, openStore } from '../../db/store';
import type { Config } from '../config';
import type { Closing } from './closing';

/** How the embedded demo is reached by the gateway. */
export interface DemoUpstream {
  host: string;
  port: number;
  database: string;
  password: string;
}

export interface BootedStore extends OpenStore {
  /** Null with an own PostgreSQL. */
  embedded: EmbeddedPostgres | null;
  /** Null when there is no demo. */
  demo: DemoUpstream | null;
}

/** Starts or finds the store, brings it up to date, and makes the demo shop where that is wanted. */
export async function bootStore(config: Config, dataDir: string, closing: Closing, say: (line: string) => void): Promise<BootedStore> {
  const embedded = config.databaseUrl === null ? await startEmbedded({ dataDir, log: say }) : null;
  if (embedded !== null) {
    await closing.add('embedded PostgreSQL', () => embedded.stop());
    say(`PostgreSQL 18 on ${embedded.host}:${embedded.port}`);
  }
  const url = embedded?.adminUrl('gatehouse') ?? config.databaseUrl ?? '';
  const demo = embedded !== null && config.demo ? makeDemo(embedded, dataDir) : null;
  // The store and the shop are two databases that know nothing of each other.
  await Promise.all([migrateStore(url).catch(explainStoreError), demo]);
  const open = openStore(url, { max: 10, applicationName: 'gatehouse' });
  await closing.add('store', () => open.close());
  return { ...open, embedded, demo: await demo };
}

async function makeDemo(embedded: EmbeddedPostgres, dataDir: string): Promise<DemoUpstream> {
  const password = keptSecret(join(dataDir, 'shop-password'), () => newSecret('gh_at').slice('gh_at_'.length));
  await ensureDemo(embedded.adminUrl, password);
  return { host: embedded.host, port: embedded.port, database: DEMO_DATABASE, password };
}

/** Names what failed without the URL, which holds a password. */
function explainStoreError(error: unknown): never {
  const { code, message } = error as { code?: string; message?: string };
  throw new Error(`the store (DATABASE_URL) cannot be used: ${message ?? 'unknown error'}${code === undefined ? '' : ` (${code})`}`);
}
