import type pg from 'pg';
import type { Store } from '../../db/store';
import { type CatalogKeeper, openCatalogKeeper } from '../catalog/keeper';
import type { ConnectionPolicy } from '../policy/types';
import { connectUpstream } from '../upstream/connect';
import { controlClient } from '../upstream/control';
import { endpointOf } from '../upstream/endpoint';
import { readColumnNames } from './columnNames';

const CONNECT_TIMEOUT_MS = 5_000;

/** One catalog keeper per connection in use, opened at its first session and closed a while after its last. */
export interface Catalogs {
  get(connection: ConnectionPolicy): CatalogKeeper;
  byName(name: string): CatalogKeeper | null;
  close(): Promise<void>;
}

export function createCatalogs(options: { store: Store; secretKey: Buffer; onError(connection: string, error: unknown): void }): Catalogs {
  const open_ = new Map<string, { settings: string; keeper: CatalogKeeper }>();

  return {
    get(connection) {
      // A changed host or credential is another upstream: its catalog is not the one we have.
      const settings = JSON.stringify([
        connection.host,
        connection.port,
        connection.database,
        connection.username,
        connection.passwordSealed,
        connection.passwordFrom,
        connection.tls,
        connection.tlsNegotiation,
        connection.tlsCa,
        connection.tlsCertificate,
        connection.tlsKeySealed,
      ]);
      const known = open_.get(connection.name);
      if (known?.settings === settings) return known.keeper;
      void known?.keeper.close();
      const keeper = openCatalogKeeper({
        connect: () => connectControl(connection, options.secretKey),
        pollMs: 2_000,
        formerNames: () => readColumnNames(options.store, connection.id),
        onError: (error) => options.onError(connection.name, error),
      });
      open_.set(connection.name, { settings, keeper });
      return keeper;
    },
    byName: (name) => open_.get(name)?.keeper ?? null,
    async close() {
      await Promise.all([...open_.values()].map(({ keeper }) => keeper.close()));
    },
  };
}

/** The control connection: our own, never the client's; its settings are ours alone. */
async function connectControl(connection: ConnectionPolicy, secretKey: Buffer): Promise<pg.Client> {
  const client = controlClient(() =>
    connectUpstream({
      ...endpointOf(connection, secretKey),
      parameters: { application_name: 'gatehouse catalog' },
      timeoutMs: CONNECT_TIMEOUT_MS,
    }),
  );
  await client.connect();
  return client;
}
