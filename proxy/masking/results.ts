import type { ColumnDescription } from '../wire/backend';
import { type CellMask, CellOut } from './cellOut';
import { cellMask, cellTypeOf } from './cells';
import { type Detection, detectingColumns } from './detect/columns';
import type { DetectionHits } from './detect/hits';
import type { RowMask } from './rows';
import type { ColumnMask, Touch } from './types';

/** What happens to the rows of one result. */
export type ResultPlan =
  | { kind: 'pass' }
  /** `hits` counts what content rules found in columns without a mask of their own. */
  | { kind: 'mask'; masks: RowMask; columns: readonly string[]; hits: DetectionHits | null }
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
  /** The base type behind domains. */
  baseType(typeOid: number): number;
  hashKey: Buffer;
  /** Rules that look into the cells of columns without a mask; null when there are none. */
  detection: Detection | null;
  /** True when the catalog was read again for this very result. */
  refreshed: boolean;
}

/**
 * The second net: compares the server's RowDescription with what the analysis concluded and gives each column its mask.
 * A clean statement has no masked origin; a resolved one has them only as plain columns.
 */
export function planResult(columns: readonly ColumnDescription[], context: ResultContext): ResultPlan {
  if (context.touch.state === 'unresolved') return { kind: 'withhold', reason: context.touch.reason };
  const masks: (ReturnType<typeof cellMask> | null)[] = [];
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
      masks.push(cellMask(found.mask, cellTypeOf(context.baseType(column.typeOid)), column.format, context.hashKey));
      named.push(found.column);
      continue;
    }
    if (column.attributeNumber === 0 && context.isTainted(column.tableOid)) {
      return { kind: 'withhold', reason: `Column "${column.name}" is a whole row of a relation with masked columns.` };
    }
    masks.push(null);
  }
  const detecting = context.detection === null ? null : detectingColumns(columns, context.detection);
  if (detecting === null) return named.length === 0 ? { kind: 'pass' } : { kind: 'mask', masks, columns: named, hits: null };
  const all = masks.map((mask, i) => mask ?? returned(detecting.masks[i] ?? null));
  return { kind: 'mask', masks: all, columns: named, hits: detecting.hits };
}

const room = new CellOut();

/** A mask that writes its cell, as one that returns it. */
function returned(mask: CellMask | null): ReturnType<typeof cellMask> | null {
  if (mask === null) return null;
  return (cell) => {
    room.length = 0;
    return mask(cell, 0, cell.length, room) ? Buffer.from(room.bytes.subarray(0, room.length)) : null;
  };
}
