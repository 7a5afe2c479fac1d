import type { ColumnDescription } from '../wire/backend';
import type { CellMask } from './cellOut';
import { type Detection, detectingColumns } from './detect/columns';
import type { DetectionHits } from './detect/hits';
import type { RowMask } from './rows';
import { cellMaskFor } from './transforms/cellMaskFor';
import type { Types } from './transforms/family';
import type { ColumnMask, ExpectedOutput, Touch } from './types';

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
  isTemporary(relationOid: number): boolean;
  /** False for a relation, or a column of it, that the snapshot does not have. */
  knowsColumn(relationOid: number, attributeNumber: number): boolean;
  types: Types;
  hashKey: Buffer;
  /** Rules that look into the cells of columns without a mask; null when there are none. */
  detection: Detection | null;
  /** True when the catalog was read again for this very result. */
  refreshed: boolean;
}

/**
 * The second net: compares the server's RowDescription with what the analysis concluded, and gives each column its mask. A clean statement has
 * no masked origin; of a resolved one the number of columns and the origin of each are those of its lineage.
 */
export function planResult(columns: readonly ColumnDescription[], context: ResultContext): ResultPlan {
  const { touch } = context;
  if (touch.state === 'unresolved') return { kind: 'withhold', reason: touch.reason };
  const expected = touch.state === 'resolved' ? touch.outputs : null;
  if (expected !== null && expected.length !== columns.length)
    return disagreement(context, `The server describes ${columns.length} columns where the analysis has ${expected.length}.`);
  const masks: (CellMask | null)[] = [];
  const named = new Set<string>();
  for (const [index, column] of columns.entries()) {
    const output = expected?.[index] ?? null;
    const found = originMask(column, output, context);
    if (found.kind !== 'mask') return found.kind === 'refresh' ? { kind: 'refresh' } : disagreement(context, found.reason);
    const spec = output?.mask?.spec ?? null;
    for (const name of output?.mask?.columns ?? []) named.add(name);
    const { typeOid, format } = column;
    masks.push(spec === null ? null : cellMaskFor({ spec, typeOid, format, types: context.types, hashKey: context.hashKey }));
  }
  const detecting = context.detection === null ? null : detectingColumns(columns, context.detection);
  if (detecting !== null)
    return { kind: 'mask', masks: masks.map((mask, i) => mask ?? detecting.masks[i] ?? null), columns: [...named], hits: detecting.hits };
  return masks.every((mask) => mask === null) ? { kind: 'pass' } : { kind: 'mask', masks, columns: [...named], hits: null };
}

type Compared = { kind: 'mask' } | { kind: 'refresh' } | { kind: 'withhold'; reason: string };

const AGREED: Compared = { kind: 'mask' };

/** The server's own word on where one column comes from, against the analysis. */
function originMask(column: ColumnDescription, output: ExpectedOutput | null, context: ResultContext): Compared {
  if (column.tableOid === 0 || column.attributeNumber < 0 || context.isTemporary(column.tableOid)) return AGREED;
  if (!context.knowsColumn(column.tableOid, column.attributeNumber)) {
    if (!context.refreshed) return { kind: 'refresh' };
    // A relation of this session's own open transaction is invisible to the catalog's connection. The touch test, which goes by
    // names, has cleared a clean statement without it; a resolved one rests on origins and cannot do without.
    if (context.touch.state === 'clean') return AGREED;
    return { kind: 'withhold', reason: `Column "${column.name}" comes from a relation that is not in the catalog yet.` };
  }
  if (column.attributeNumber === 0) {
    if (!context.isTainted(column.tableOid) || (output?.mask ?? null) !== null) return AGREED;
    return { kind: 'withhold', reason: `Column "${column.name}" is a whole row of a relation with masked columns.` };
  }
  const found = context.byOrigin(column.tableOid, column.attributeNumber);
  if (found !== null && (output?.mask ?? null) === null)
    return { kind: 'withhold', reason: `Column "${column.name}" is ${found.column}, which the analysis did not expect.` };
  if (output !== null && !output.origins.has(`${column.tableOid}.${column.attributeNumber}`))
    return { kind: 'withhold', reason: `Column "${column.name}" is not from where the analysis expects it.` };
  return AGREED;
}

/** The catalog may have moved since the statement was judged: it is read again once; then the result stays where it is. */
function disagreement(context: ResultContext, reason: string): ResultPlan {
  return context.refreshed ? { kind: 'withhold', reason } : { kind: 'refresh' };
}
