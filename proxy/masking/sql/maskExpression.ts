import type { MaskSpec } from '../../../db/schema/shapes';
import { qualifiedName, quoteText } from '../../sql/quote';
import { toNull } from '../transforms/always';
import { cellMaskFor } from '../transforms/cellMaskFor';
import { constantCell } from '../transforms/constants';
import { baseTypeOf, type Family, familyOf, type Types } from '../transforms/family';
import { dateExpression } from './dates';
import { numberExpression } from './numbers';
import { emailExpression, partialExpression } from './texts';

/** A masked column as an expression is made of it. */
export interface SqlColumn {
  /** The column as SQL, quoted. It must be one that costs nothing to repeat. */
  sql: string;
  /** Its base type as SQL, qualified. */
  type: string;
  family: Family;
}

const NO_KEY = Buffer.alloc(32);

/**
 * A mask in plain SQL, of the column's own base type (a domain's checks need not hold for what a mask makes): its result is what the gateway's
 * cell mask makes of the same value in text. Only PostgreSQL's own functions, operators and types occur, each with its schema, so that no
 * search_path changes what it means; no value makes it fail. Null where SQL cannot say the mask: a keyed pseudonym without its key, arrays.
 * @param column the column as SQL, quoted
 */
export function maskExpression(spec: MaskSpec, typeOid: number, types: Types, column: string): string | null {
  const base = types.get(baseTypeOf(typeOid, types));
  if (base === undefined) return null;
  const of: SqlColumn = { sql: column, type: qualifiedName(base.schema, base.name), family: familyOf(base.oid, types) };
  if (spec.type !== 'null' && spec.type !== 'redact' && cellMaskFor({ spec, typeOid, format: 0, types, hashKey: NO_KEY }) === toNull)
    return none(of);
  switch (spec.type) {
    case 'null':
      return none(of);
    case 'redact':
      return redaction(of);
    case 'constant': {
      const cell = constantCell(spec.value, of.family, 0);
      return cell === null ? null : whenGiven(of, literal(cell.toString('utf8'), of));
    }
    case 'partial':
      return of.family.kind === 'text' ? partialExpression(of, spec.keepFirst ?? 0, spec.keepLast ?? 0) : null;
    case 'email':
      return of.family.kind === 'text' ? emailExpression(of) : null;
    case 'date':
      return dateExpression(of, spec.truncate);
    case 'number':
      return numberExpression(of, spec.bucket ?? spec.round ?? 0, spec.bucket !== undefined);
    case 'hash':
      return null;
    default:
      spec satisfies never;
      return null;
  }
}

const none = ({ type }: SqlColumn): string => `CAST(NULL AS ${type})`;

const whenGiven = ({ sql }: SqlColumn, value: string): string => `CASE WHEN ${sql} IS NOT NULL THEN ${value} END`;

/** A cast to xml would mean what the session's xmloption says. */
const literal = (value: string, { type, family }: SqlColumn): string =>
  family.kind === 'xml' ? `XMLPARSE(CONTENT ${quoteText(value)})` : `CAST(${quoteText(value)} AS ${type})`;

function redaction(column: SqlColumn): string {
  switch (column.family.kind) {
    case 'text':
    case 'xml':
      return whenGiven(column, literal('***', column));
    case 'char':
      return whenGiven(column, literal('*', column));
    case 'json':
    case 'jsonb':
      return whenGiven(column, literal('"***"', column));
    default:
      return none(column);
  }
}
