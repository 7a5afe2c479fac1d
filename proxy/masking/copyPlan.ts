import { CellOut } from './cellOut';
import type { CopyOptions } from './copy/options';
import { CopyMask, copyMaskProblem, copyOutDisagreement } from './copyOut';
import { type Detection, detectingColumns } from './detect/columns';
import type { DetectionHits } from './detect/hits';
import { cellMaskFor } from './transforms/cellMaskFor';
import type { Types } from './transforms/family';
import type { ExpectedOutput, Touch } from './types';

/** What happens to the rows of one COPY … TO STDOUT. */
export type CopyPlan =
  | { kind: 'pass' }
  /** `out` gets what `mask` writes. */
  | { kind: 'mask'; mask: CopyMask; out: CellOut; columns: readonly string[]; hits: DetectionHits | null }
  | { kind: 'withhold'; reason: string };

/** Why a COPY of these columns cannot be masked; null when it can. */
export function copyProblem(options: CopyOptions, outputs: readonly ExpectedOutput[]): string | null {
  return copyMaskProblem(
    options,
    outputs.map(({ mask }) => (mask === null ? null : () => false)),
  );
}

/**
 * Sets the masks of a COPY against the server's CopyOutResponse, which says format and number of columns. It names no origins: the lineage of
 * the statement is all there is, and a statement without one does not get this far.
 */
export function planCopy(
  response: Buffer,
  touch: Touch,
  context: { types: Types; hashKey: Buffer; detection: Detection | null },
): CopyPlan {
  if (touch.state === 'clean') return { kind: 'pass' };
  if (touch.state === 'unresolved') return { kind: 'withhold', reason: touch.reason };
  const { outputs, copy } = touch;
  if (outputs === null || copy === null) return { kind: 'withhold', reason: 'The columns of this COPY are not known.' };
  const format = copy.format === 'binary' ? 1 : 0;
  const described = outputs.map(({ typeOid }) => ({ typeOid, format }));
  const detecting = context.detection === null ? null : detectingColumns(described, context.detection);
  const columns = outputs.map(({ mask, typeOid }, i) =>
    mask === null ? (detecting?.masks[i] ?? null) : cellMaskFor({ ...context, spec: mask.spec, typeOid, format }),
  );
  const reason = copyOutDisagreement(response, copy, columns) ?? copyMaskProblem(copy, columns);
  if (reason !== null) return { kind: 'withhold', reason };
  if (columns.every((mask) => mask === null)) return { kind: 'pass' };
  const out = new CellOut();
  const mask = new CopyMask({ options: copy, columns, names: outputs.map(({ name }) => name), out });
  return {
    kind: 'mask',
    mask,
    out,
    columns: [...new Set(outputs.flatMap((output) => output.mask?.columns ?? []))],
    hits: detecting?.hits ?? null,
  };
}
