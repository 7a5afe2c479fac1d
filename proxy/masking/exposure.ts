import { isDeepStrictEqual } from 'node:util';
import type { Inference, MaskSpec } from '../../db/schema/shapes';
import type { Hazard, Use, Write } from '../lineage/analysis';
import type { Source, Value } from '../lineage/value';
import { strictestInference, strictestMask } from './strictest';
import type { ColumnMask, OutputMask, RefusalCause } from './types';

/** What is asked of the masks: the one of a column, by its relation's OID and attribute number. */
export type MaskOf = (relationOid: number, attributeNumber: number) => ColumnMask | null;

export interface Masked {
  source: Source;
  mask: ColumnMask;
}

/** The masked columns behind a value. How often one is NULL is not masked. */
export function maskedIn(value: Value, maskOf: MaskOf): Masked[] {
  const found: Masked[] = [];
  for (const source of value.sources.values()) {
    if (source.derivation === 'counted') continue;
    const mask = maskOf(source.relationOid, source.number);
    if (mask !== null) found.push({ source, mask });
  }
  return found;
}

const namesOf = (masked: readonly Masked[]): string[] => [...new Set(masked.map(({ mask }) => mask.column))].sort();
const rulesOf = (masked: readonly Masked[]): string[] => [...new Set(masked.map(({ mask }) => mask.rule))].sort();

/**
 * How one output column leaves; null as it is. A plain copy gets the mask of its column, or of its columns when they agree. Anything computed from
 * one is redacted, because a partial mask of f(x) says nothing about what it shows of x.
 */
export function outputMask(value: Value, maskOf: MaskOf): OutputMask | null {
  const masked = maskedIn(value, maskOf);
  const [first] = masked;
  if (first === undefined) return null;
  const copied = masked.every(({ source }) => source.derivation === 'copied');
  const agreed = copied && masked.every(({ mask }) => isDeepStrictEqual(mask.mask, first.mask.mask));
  const spec: MaskSpec = agreed
    ? first.mask.mask
    : masked.every(({ mask }) => mask.mask.type === 'null')
      ? { type: 'null' }
      : { type: 'redact' };
  return {
    spec,
    computed: !copied,
    wholeRow: masked.some(({ source }) => source.derivation === 'whole row'),
    columns: namesOf(masked),
    strictest: masked.reduce((least, { mask }) => strictestMask(least, mask), first.mask),
    rules: [...new Set(masked.map(({ mask }) => mask.rule))],
    paths: masked.map(({ source, mask }) => [...source.via, mask.column]).sort((a, b) => a.length - b.length),
  };
}

/** Guesses at masked values that one statement may make. */
const MAX_CONSTANTS = 100;

/**
 * Why a statement's comparisons, its order or its groups would show what masked columns hold; null when their inference modes let them
 * through. `guarded` lets through equality with constants, joins of one masked column with another, and IS NULL.
 * @param explained row estimates would answer even what may be asked
 */
export function problemOfUses(uses: readonly Use[], maskOf: MaskOf, explained: boolean): Problem | null {
  let constants = 0;
  for (const use of uses) {
    const masked = maskedIn(use.value, maskOf);
    if (masked.length === 0) continue;
    const inference = masked.reduce<Inference>((narrowest, { mask }) => strictestInference(narrowest, mask.inference), 'open');
    if (inference === 'open') continue;
    if (inference !== 'guarded' || explained || !isGuarded(use, masked, maskOf)) return refused(use, masked, inference, explained);
    constants += use.constants;
    if (constants > MAX_CONSTANTS)
      return {
        reason: `masked column ${namesOf(masked)[0]} is compared with more than ${MAX_CONSTANTS} constants`,
        columns: namesOf(masked),
        cause: { kind: 'guesses', most: MAX_CONSTANTS },
      };
  }
  return null;
}

/**
 * Why a statement's computations would tell something of masked values by failing, by taking long or by not happening; null when their
 * inference modes let them. The results themselves are masked.
 */
export function problemOfHazards(hazards: readonly Hazard[], maskOf: MaskOf): Problem | null {
  for (const hazard of hazards) {
    const masked = maskedIn(hazard.value, maskOf);
    const inference = masked.reduce<Inference>((narrowest, { mask }) => strictestInference(narrowest, mask.inference), 'open');
    if (inference === 'open') continue;
    const columns = namesOf(masked);
    return {
      reason: `masked column ${columns[0]} would decide whether ${hazard.construct} fails, or what is computed at all; inference is ${inference}`,
      columns,
      cause: { kind: 'fails', construct: hazard.construct, rules: rulesOf(masked) },
    };
  }
  return null;
}

export interface Problem {
  reason: string;
  columns: readonly string[];
  cause: RefusalCause;
}

function isGuarded(use: Use, masked: readonly Masked[], maskOf: MaskOf): boolean {
  if (masked.some(({ source, mask }) => source.derivation !== 'copied' || mask.computed)) return false;
  switch (use.kind) {
    case 'equality':
    case 'null test':
      return true;
    case 'join':
      // What is joined to a column that everyone may read shows its value there.
      return use.sides.every((side) => [...side.sources.values()].every((source) => maskOf(source.relationOid, source.number) !== null));
    case 'other':
      return false;
    default:
      use.kind satisfies never;
      return false;
  }
}

function refused(use: Use, masked: readonly Masked[], inference: Inference, explained: boolean): Problem {
  const columns = namesOf(masked);
  const shown = columns.slice(0, 3).join(', ');
  const what = `masked column${columns.length > 1 ? 's' : ''} ${shown}`;
  const why = explained ? 'EXPLAIN shows row estimates' : `inference is ${inference}`;
  return {
    reason: `${what} would decide the result through ${use.construct}; ${why}`,
    columns,
    cause: { kind: 'compared', construct: use.construct, inference, explained, rules: rulesOf(masked) },
  };
}

/** Where a statement would put a masked value that no mask covers as well; null when nowhere. */
export function problemOfWrites(writes: readonly Write[], stored: readonly Value[], maskOf: MaskOf): Problem | null {
  for (const write of writes) {
    const masked = maskedIn(write.value, maskOf);
    if (masked.length === 0 || isCovered(write, masked, maskOf)) continue;
    const columns = namesOf(masked);
    const target = write.column === null ? write.relationName : `${write.relationName}.${write.column}`;
    return {
      reason: `masked column ${columns[0]} would be stored in ${target}, where no mask covers it as well`,
      columns,
      cause: { kind: 'stored', target },
    };
  }
  const kept = stored.flatMap((value) => maskedIn(value, maskOf));
  const columns = namesOf(kept);
  if (kept.length === 0) return null;
  return {
    reason: `masked column ${columns[0]} would be stored where no mask covers it`,
    columns,
    cause: { kind: 'stored', target: null },
  };
}

/** A copy may go where a mask at least as strict waits for it; what was computed only where the whole value is hidden. */
function isCovered(write: Write, masked: readonly Masked[], maskOf: MaskOf): boolean {
  const column = write.relation?.columns.find(({ name }) => name === write.column);
  const target = write.relation === null || column === undefined ? null : maskOf(write.relation.oid, column.number);
  if (target === null) return false;
  const hidden = target.mask.type === 'redact' || target.mask.type === 'null';
  return masked.every(({ source, mask }) => {
    if (source.derivation !== 'copied') return hidden;
    return hidden || isDeepStrictEqual(strictestMask(target, mask).mask, target.mask);
  });
}
