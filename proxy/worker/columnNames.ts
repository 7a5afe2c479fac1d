import { eq } from 'drizzle-orm';
import { columnNames } from '../../db/schema/policy';
import type { Store } from '../../db/store';
import { columnKey } from '../catalog/formerNames';
import type { CatalogSnapshot, ColumnPath, FormerNames } from '../catalog/types';
import { namedColumns } from '../masking/columns';
import type { ConnectionPolicy, MaskingRule } from '../policy/types';

/** What the columns that rules named were called; throws what the store throws. */
export async function readColumnNames(store: Store, connectionId: string): Promise<FormerNames> {
  const rows = await store.select().from(columnNames).where(eq(columnNames.connectionId, connectionId));
  const names = new Map<string, ColumnPath[]>();
  for (const row of rows) {
    const key = columnKey(row.relationOid, row.attributeNumber);
    names.set(key, [...(names.get(key) ?? []), [row.schema, row.relation, row.column]]);
  }
  return names;
}

/** Keeps what the columns that rules name now are called now, for a gateway that starts after they were renamed. */
export async function keepColumnNames(
  store: Store,
  scope: { masking: readonly MaskingRule[]; connection: ConnectionPolicy; catalog: CatalogSnapshot },
): Promise<void> {
  const rows = namedColumns(scope).flatMap(({ relationOid, attributeNumber }) => {
    const relation = scope.catalog.relations.get(relationOid);
    const column = relation?.columns.find(({ number }) => number === attributeNumber);
    if (relation === undefined || column === undefined) return [];
    return [
      {
        connectionId: scope.connection.id,
        relationOid,
        attributeNumber,
        schema: relation.schema,
        relation: relation.name,
        column: column.name,
      },
    ];
  });
  for (let at = 0; at < rows.length; at += 1_000) {
    await store
      .insert(columnNames)
      .values(rows.slice(at, at + 1_000))
      .onConflictDoNothing();
  }
}
