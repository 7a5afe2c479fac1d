import { sql } from 'drizzle-orm';
import { keyId, open, sealedBy, sealWith } from '../../db/secrets';
import type { StoreHandle, StoreTransaction } from '../../db/store';
import { ServiceError } from '../errors';
import { SEALED_COLUMNS, type SealedColumn } from './sealedColumns';

/** So many rows a statement: a gateway of years has a value key for each principal and day. */
const ROWS = 1_000;

interface Row extends Record<string, unknown> {
  id: string;
  sealed: string;
}

const rowsAfter = async (store: StoreHandle, { table, column }: SealedColumn, after: string): Promise<Row[]> =>
  (
    await store.execute<Row>(
      sql`SELECT id::text AS id, ${sql.identifier(column)} AS sealed FROM ${sql.identifier(table)}
          WHERE ${sql.identifier(column)} IS NOT NULL AND id::text > ${after} ORDER BY id::text LIMIT ${ROWS}`,
    )
  ).rows;

async function eachBatch(store: StoreHandle, column: SealedColumn, work: (rows: Row[]) => Promise<void>): Promise<void> {
  for (let after = ''; ; ) {
    const rows = await rowsAfter(store, column, after);
    const last = rows.at(-1);
    if (last === undefined) return;
    await work(rows);
    after = last.id;
  }
}

/** @throws naming what does not open: nothing is rotated over it. */
export async function demandAllOpen(store: StoreHandle, secretKey: Buffer): Promise<void> {
  for (const column of SEALED_COLUMNS)
    await eachBatch(store, column, async (rows) => rows.forEach((row) => void opened(secretKey, column, row)));
}

function opened(secretKey: Buffer, column: SealedColumn, row: Row): string {
  try {
    return open(secretKey, row.sealed, column.boundTo(row.id));
  } catch {
    throw new ServiceError(
      'CONFLICT',
      `${column.table} ${row.id}: what is sealed in ${column.column} does not open with the gateway’s key: give that secret again or delete it, then rotate`,
    );
  }
}

/** Seals everything that another key sealed with this one; how many envelopes it were. What changed meanwhile is left as it is. */
export async function resealAll(tx: StoreTransaction, secretKey: Buffer, key: Buffer): Promise<number> {
  let count = 0;
  for (const column of SEALED_COLUMNS)
    await eachBatch(tx, column, async (rows) => {
      const old = rows.filter((row) => sealedBy(row.sealed) !== keyId(key));
      if (old.length === 0) return;
      const fresh = old.map((row) => ({
        id: row.id,
        before: row.sealed,
        sealed: sealWith(key, opened(secretKey, column, row), column.boundTo(row.id)),
      }));
      const done = await tx.execute(
        sql`UPDATE ${sql.identifier(column.table)} AS kept SET ${sql.identifier(column.column)} = fresh.sealed
            FROM jsonb_to_recordset(${JSON.stringify(fresh)}::jsonb) AS fresh(id text, before text, sealed text)
            WHERE kept.id::text = fresh.id AND kept.${sql.identifier(column.column)} = fresh.before`,
      );
      count += done.rowCount ?? 0;
    });
  return count;
}
