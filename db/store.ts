import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import * as accessRequests from './schema/accessRequests';
import * as approvals from './schema/approvals';
import * as audit from './schema/audit';
import * as identity from './schema/identity';
import * as localAccounts from './schema/localAccounts';
import * as notifications from './schema/notifications';
import * as passkeys from './schema/passkeys';
import * as policy from './schema/policy';
import * as record from './schema/record';
import * as secretKeys from './schema/secretKeys';
import { type SilenceWatch, watchSilence } from './silence';

const schema = {
  ...identity,
  ...passkeys,
  ...localAccounts,
  ...policy,
  ...approvals,
  ...accessRequests,
  ...notifications,
  ...audit,
  ...record,
  ...secretKeys,
};

/** The store: Drizzle over a bounded pool. A transaction handle has the same query interface. */
export type Store = NodePgDatabase<typeof schema>;
export type StoreTransaction = Parameters<Parameters<Store['transaction']>[0]>[0];
/** What a verb takes when it may run alone or inside a caller's transaction. */
export type StoreHandle = Store | StoreTransaction;

export interface OpenStore {
  store: Store;
  /** For LISTEN, see db/listen.ts. */
  url: string;
  close(): Promise<void>;
}

const STATEMENT_TIMEOUT_MS = 30_000;

/** Opens the store; connects lazily. Errors on idle connections are absorbed: the next query reconnects or fails by itself. */
export function openStore(url: string, options: { max: number; applicationName: string; silenceMs?: number }): OpenStore {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: STATEMENT_TIMEOUT_MS,
  });
  pool.on('error', () => undefined);
  keepWhole(pool, options.silenceMs ?? STATEMENT_TIMEOUT_MS + 10_000);
  return { store: drizzle(pool, { schema }), url, close: () => pool.end() };
}

/** Connections that end while somebody uses them neither end the process nor stay taken. */
function keepWhole(pool: pg.Pool, silenceMs: number): void {
  const watches = new WeakMap<pg.PoolClient, SilenceWatch>();
  const used = new WeakSet<pg.PoolClient>();
  pool.on('connect', (client) => {
    watches.set(client, watchSilence(client, silenceMs));
    // Whoever uses it hears of its end by the query that fails.
    client.on('error', () => undefined);
    client.once('end', () => {
      if (!used.has(client)) return;
      // A transaction whose BEGIN fails does not give its connection back (drizzle-orm); every other does, and is too late then.
      client.release(true);
      client.release = () => undefined;
    });
  });
  pool.on('acquire', (client) => {
    used.add(client);
    watches.get(client)?.busy();
  });
  pool.on('release', (_error, client) => {
    used.delete(client);
    watches.get(client)?.idle();
  });
}
