import type { ColumnDescription } from '../wire/backend';
import type { CellMask } from './cellOut';
import type { RowMask } from './rows';
import { cellMaskFor } from './transforms/cellMaskFor';
import type { Types } from './transforms/family';
import type { ColumnMask, Touch } from './types';

/** What happens to the rows of one result. */
export type ResultPlan =
  | { kind: 'pass' }
  | { kind: 'mask'; masks: RowMask; columns: readonly string[] }
  /** The server's description disagrees with the analysis: no row is released. */
  | { kind: 'withhold'; reason: string }
  /** A relation the catalog snapshot does not know: read it again, then plan again. */
  | { kind: 'refresh' };

export interface ResultContext {
  touch: Touch;
  byOrigin(relationOid: number, attributeNumber: number): ColumnMask | null;
  isTainted(relationOid: number): boolean;
  /** False for a relation, or a column of it, that the snapshot does not have. */
  knowsColumn(relationOid: number, attributeNumber: number): boolean;
  types: Types;
  hashKey: Buffer;
  /** True when the catalog was read again for this very result. */
  refreshed: boolean;
}

/**
 * The second net: compares the server's RowDescription with what the analysis concluded and gives each column its mask.
 * A clean statement has no masked origin; a resolved one has them only as plain columns.
 */
export function planResult(columns: readonly ColumnDescription[], context: ResultContext): ResultPlan {
  if (context.touch.state === 'unresolved') return { kind: 'withhold', reason: context.touch.reason };
  const masks: (CellMask | null)[] = [];
  const named: string[] = [];
  for (const column of columns) {
    if (column.tableOid === 0) {
      masks.push(null);
      continue;
    }
    if (!context.knowsColumn(column.tableOid, column.attributeNumber)) {
      if (!context.refreshed) return { kind: 'refresh' };
      // A relation of this session's own open transaction is invisible to the catalog's connection. The touch test, which goes by
      // names, has cleared a clean statement without it; a resolved one rests on origins and cannot do without.
      if (context.touch.state === 'resolved')
        return { kind: 'withhold', reason: `Column "${column.name}" comes from a relation that is not in the catalog yet.` };
      masks.push(null);
      continue;
    }
    const found = context.byOrigin(column.tableOid, column.attributeNumber);
    if (found !== null) {
      if (context.touch.state === 'clean')
        return { kind: 'withhold', reason: `Column "${column.name}" is ${found.column}, which the analysis did not expect.` };
      const { typeOid, format } = column;
      masks.push(cellMaskFor({ spec: found.mask, typeOid, format, types: context.types, hashKey: context.hashKey }));
      named.push(found.column);
      continue;
    }
    if (column.attributeNumber === 0 && context.isTainted(column.tableOid)) {
      return { kind: 'withhold', reason: `Column "${column.name}" is a whole row of a relation with masked columns.` };
    }
    masks.push(null);
  }
  return named.length === 0 ? { kind: 'pass' } : { kind: 'mask', masks, columns: named };
}
