import type { RowSample, SampledRow } from '../../db/schema/shapes';
import type { CatalogSnapshot } from '../catalog/types';
import { type CellMask, CellOut } from '../masking/cellOut';
import { maskedColumnsFor } from '../masking/columns';
import { detectingMask } from '../masking/detect/detectingMask';
import { DetectionHits } from '../masking/detect/hits';
import { detectionFor } from '../masking/detect/rules';
import { cellMaskFor, redactionFor } from '../masking/transforms/cellMaskFor';
import type { ConnectionPolicy, MaskingRule } from '../policy/types';

/** A row as the server wrote it, cells in text form, in the order of `columns`. */
export type Cells = readonly (string | null)[];

/** What was read of one table inside and beside the transaction. */
export interface RawSample {
  oid: number;
  table: string;
  columns: readonly { number: number; name: string; typeOid: number }[];
  /** Positions of the primary key among `columns`; empty when there is none. */
  key: readonly number[];
  before: readonly Cells[];
  after: readonly Cells[];
}

interface Shown {
  mask: CellMask | null;
  masked: boolean;
}

/** The masks that a reviewer's sample gets: every enforced rule of the connection, whoever asks; no group is excepted. */
export function reviewerMasks(scope: {
  masking: readonly MaskingRule[];
  connection: ConnectionPolicy;
  catalog: CatalogSnapshot;
  hashKey: Buffer;
}): (relationOid: number, column: RawSample['columns'][number]) => Shown {
  const nobody = { ...scope, principal: { groups: [] } };
  const masks = maskedColumnsFor(nobody);
  const detecting = detectionFor(nobody).filter(({ mode }) => mode === 'enforce');
  const { types } = scope.catalog;
  return (relationOid, { number, typeOid }) => {
    const output = { typeOid, format: 0, types };
    const mask = masks.byOrigin(relationOid, number);
    if (mask !== null)
      return {
        mask: mask.computed ? redactionFor(output) : cellMaskFor({ ...output, spec: mask.mask, hashKey: scope.hashKey }),
        masked: true,
      };
    // One for each column: what it finds is counted nowhere.
    return { mask: detectingMask(detecting, typeOid, 0, types, scope.hashKey, new DetectionHits(detecting)), masked: false };
  };
}

/** Cells longer than this are cut, when they are masked. */
const MAX_CELL_CHARACTERS = 200;

/** The sample a reviewer sees: rows before and after set side by side by their primary key, masked, differences by what is shown. Pure. */
export function shapeSample(raw: RawSample, maskOf: ReturnType<typeof reviewerMasks>, most: number): RowSample {
  const shown = raw.columns.map((column) => maskOf(raw.oid, column));
  const out = new CellOut(1_024);
  const show = (cells: Cells) => cells.map((cell, i) => showCell(cell, shown[i]?.mask ?? null, out));
  const keyOf = (cells: Cells) => (raw.key.length === 0 ? null : JSON.stringify(raw.key.map((i) => cells[i] ?? null)));
  const afterByKey = new Map(raw.after.map((cells) => [keyOf(cells), cells]));
  const paired = new Set<Cells>();
  const rows = raw.before.map((cells): SampledRow => {
    const key = keyOf(cells);
    const then = key === null ? undefined : afterByKey.get(key);
    if (then === undefined) return { change: 'deleted', before: show(cells), after: null, changed: [] };
    paired.add(then);
    const [before, after] = [show(cells), show(then)];
    return { change: 'updated', before, after, changed: before.flatMap((cell, i) => (cell === after[i] ? [] : [i])) };
  });
  for (const cells of raw.after) if (!paired.has(cells)) rows.push({ change: 'inserted', before: null, after: show(cells), changed: [] });
  return {
    table: raw.table,
    columns: raw.columns.map(({ name }, i) => ({ name, masked: shown[i]?.masked ?? false })),
    rows: rows.slice(0, most),
  };
}

function showCell(cell: string | null, mask: CellMask | null, out: CellOut): string | null {
  if (cell === null) return null;
  let text = cell;
  if (mask !== null) {
    const bytes = Buffer.from(cell, 'utf8');
    out.length = 0;
    if (!mask(bytes, 0, bytes.length, out)) return null;
    text = out.bytes.toString('utf8', 0, out.length);
  }
  return text.length > MAX_CELL_CHARACTERS ? `${text.slice(0, MAX_CELL_CHARACTERS)}…` : text;
}
