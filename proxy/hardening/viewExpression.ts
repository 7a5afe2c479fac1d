import type { MaskSpec } from '../../db/schema/shapes';
import { maskExpression } from '../masking/sql/maskExpression';
import { baseTypeOf, familyOf, type Types } from '../masking/transforms/family';
import { qualifiedName } from '../sql/quote';

/** The relation in the masking views' schema that keys hash masks; its one row has two random blocks, `inner_key` and `outer_key`. */
export const HASH_KEY_TABLE = 'gatehouse_hash_key';

/**
 * What a masking view shows of a column: the mask in plain SQL, of the column's own base type. A view has what a rewritten statement has
 * not, a key of its own for pseudonyms; any other mask that SQL cannot say hides the value whole.
 * @param column the column as SQL, qualified and quoted
 * @param keyTable the table of the hash key as SQL
 */
export function viewExpression(spec: MaskSpec, typeOid: number, types: Types, column: string, keyTable: string): string {
  const base = types.get(baseTypeOf(typeOid, types));
  if (base === undefined) return 'CAST(NULL AS pg_catalog.text)';
  const type = qualifiedName(base.schema, base.name);
  if (spec.type === 'hash')
    return familyOf(base.oid, types).kind === 'text'
      ? `CAST(CASE WHEN ${column} IS NOT NULL THEN ${pseudonym(column, keyTable)} END AS ${type})`
      : `CAST(NULL AS ${type})`;
  return (
    maskExpression(spec, typeOid, types, column) ?? maskExpression({ type: 'redact' }, typeOid, types, column) ?? `CAST(NULL AS ${type})`
  );
}

/**
 * NMAC over SHA-256 with two random blocks: equal values give equal pseudonyms in this database, 96 bits. The key is the view owner's
 * alone, and another one than the gateway's, so the two never give the same pseudonym.
 */
function pseudonym(column: string, keyTable: string): string {
  const key = (name: string) => `(SELECT k.${name} FROM ${keyTable} AS k)`;
  const bytes = `pg_catalog.convert_to(CAST(${column} AS pg_catalog.text), 'UTF8')`;
  const inner = `pg_catalog.sha256(${key('inner_key')} OPERATOR(pg_catalog.||) ${bytes})`;
  const outer = `pg_catalog.sha256(${key('outer_key')} OPERATOR(pg_catalog.||) ${inner})`;
  return `pg_catalog.concat('h_', pg_catalog.left(pg_catalog.encode(${outer}, 'hex'), 24))`;
}
