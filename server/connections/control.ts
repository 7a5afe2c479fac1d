import pg from 'pg';
import type { TlsMode } from '../../db/schema/shapes';
import { open } from '../../db/secrets';
import { tlsOptions } from '../../proxy/upstream/tls';
import { ServiceError } from '../errors';

/** Where and as whom to sign in upstream. `password` is in clear and never leaves the process but to that server. */
export interface ControlTarget {
  host: string;
  port: number;
  database: string;
  username: string;
  password: string | null;
  tls: TlsMode;
}

/** The target of a stored connection. */
export function targetOf(
  row: Omit<ControlTarget, 'password'> & { id: string; passwordSealed: string | null },
  secretKey: Buffer,
): ControlTarget {
  const { host, port, database, username, tls } = row;
  return {
    host,
    port,
    database,
    username,
    tls,
    password: row.passwordSealed === null ? null : open(secretKey, row.passwordSealed, row.id),
  };
}

/**
 * Signs in upstream on the gateway's own behalf, runs `work` and closes. Throws UNAVAILABLE when the upstream cannot be reached, in the
 * server's or the network's words.
 */
export async function withControl<T>(target: ControlTarget, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = controlClient(target, tlsOptions(target.tls, target.host));
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw new ServiceError(
      'UNAVAILABLE',
      `the upstream database cannot be reached: ${error instanceof Error ? error.message : 'unknown cause'}`,
    );
  }
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

export function controlClient(target: ControlTarget, ssl: pg.ClientConfig['ssl']): pg.Client {
  const client = new pg.Client({
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.username,
    // pg falls back to PGPASSWORD and ~/.pgpass, which are the operator's and not this connection's.
    password: target.password ?? '',
    ssl: ssl ?? false,
    application_name: 'gatehouse console',
    connectionTimeoutMillis: 5_000,
    statement_timeout: 15_000,
  });
  client.on('error', () => undefined);
  return client;
}
