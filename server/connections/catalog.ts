import type pg from 'pg';
import type { Store } from '../../db/store';
import { withFormerNames } from '../../proxy/catalog/formerNames';
import { loadCatalog } from '../../proxy/catalog/load';
import type { CatalogSnapshot } from '../../proxy/catalog/types';
import { readColumnNames } from '../../proxy/worker/columnNames';

/** An upstream's catalog as the proxy judges by it: with the names that columns had when rules named them. */
export async function readCatalog(store: Store, connectionId: string, client: pg.ClientBase): Promise<CatalogSnapshot> {
  return withFormerNames(await loadCatalog(client), null, await readColumnNames(store, connectionId));
}
