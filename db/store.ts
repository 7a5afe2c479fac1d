import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import * as accessRequests from './schema/accessRequests';
import * as approvals from './schema/approvals';
import * as audit from './schema/audit';
import * as identity from './schema/identity';
import * as notifications from './schema/notifications';
import * as policy from './schema/policy';
import * as record from './schema/record';
import * as secretKeys from './schema/secretKeys';

const schema = { ...identity, ...policy, ...approvals, ...accessRequests, ...notifications, ...audit, ...record, ...secretKeys };

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

/** Opens the store; connects lazily. Errors on idle connections are absorbed: the next query reconnects or fails by itself. */
export function openStore(url: string, options: { max: number; applicationName: string }): OpenStore {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: 30_000,
  });
  pool.on('error', () => undefined);
  return { store: drizzle(pool, { schema }), url, close: () => pool.end() };
}
