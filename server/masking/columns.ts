import { z } from 'zod';
import type { CatalogSnapshot, RelationKind } from '../../proxy/catalog/types';
import { maskedColumnsFor } from '../../proxy/masking/columns';
import { originWords } from '../../proxy/masking/explain';
import type { ColumnMask } from '../../proxy/masking/types';
import { loadPolicy } from '../../proxy/policy/snapshot';
import { loadParser } from '../../proxy/sql/parse';
import { readCatalog } from '../connections/catalog';
import { targetOf, withControl } from '../connections/control';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { looksSensitive } from './looksSensitive';
import type { SchemaColumn } from './shape';

/** `connection` is a connection's name. */
export const columnsSchema = z.object({ connection: z.string() });

const SHOWN: readonly RelationKind[] = ['r', 'p', 'v', 'm', 'f'];
const SYSTEM: readonly string[] = ['pg_catalog', 'information_schema', 'pg_toast'];

/**
 * Every column of a connection's upstream, with the rule that masks it for somebody in no exempt group, by the code that traffic runs:
 * a view over a masked column is covered as well.
 */
export async function listSchemaColumns({ store, actor, secretKey }: Call, input: unknown): Promise<SchemaColumn[]> {
  demand(actor, 'masking:read');
  const { connection: name } = parseInput(columnsSchema, input);
  const policy = await loadPolicy(store);
  const connection = policy.connections.get(name);
  if (connection === undefined) throw notFound('connection', name);
  const catalog = await withControl(targetOf(connection, secretKey), (client) => readCatalog(store, connection.id, client));
  await loadParser();
  const masks = maskedColumnsFor({ masking: policy.masking, connection, principal: { groups: [] }, catalog });
  return [...catalog.relations.values()]
    .filter((relation) => SHOWN.includes(relation.kind) && !SYSTEM.includes(relation.schema))
    .sort((a, b) => a.schema.localeCompare(b.schema) || a.name.localeCompare(b.name))
    .flatMap((relation) =>
      relation.columns.map((column) => ({
        column: `${relation.schema}.${relation.name}.${column.name}`,
        schema: relation.schema,
        table: relation.name,
        name: column.name,
        type: typeName(catalog, column.typeOid),
        coveredBy: masks.byOrigin(relation.oid, column.number)?.rule ?? null,
        because: because(masks.byOrigin(relation.oid, column.number)),
        sensitive: looksSensitive(column.name),
      })),
    );
}

const because = (mask: ColumnMask | null): string | null => (mask?.origin === undefined ? null : originWords(mask.origin));

/** `int4`, `text[]` */
export function typeName(catalog: CatalogSnapshot, oid: number): string {
  const type = catalog.types.get(oid);
  if (type === undefined) return `type ${oid}`;
  return type.elementOid !== 0 && type.name.startsWith('_') ? `${type.name.slice(1)}[]` : type.name;
}
