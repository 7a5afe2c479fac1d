import type { MaskSpec } from '../../../db/schema/shapes';
import type { CellMask } from '../cellOut';
import { always, toNull } from './always';
import { arrayMask } from './arrays';
import { constantCell } from './constants';
import { dateMask } from './dates';
import { type Family, familyOf, type Types } from './family';
import { floatMask } from './floats';
import { hashMask } from './hash';
import { integerMask } from './integers';
import { decimalOfNumber, numericMask } from './numeric';
import { rangeMask } from './ranges';
import { emailMask, partialMask } from './text';

/** One output column as the server's RowDescription gives it. */
export interface OutputColumn {
  typeOid: number;
  /** 0 text, 1 binary. */
  format: number;
  types: Types;
}

/**
 * The mask for one output column. What leaves is a value of the column's own type in its own format, or NULL where the type cannot hold
 * what the mask makes (a uuid cannot become `***`). No bytes make it throw, and none leave as they came because a mask failed.
 */
export function cellMaskFor(column: OutputColumn & { spec: MaskSpec; hashKey: Buffer }): CellMask {
  const { spec, typeOid, format, types, hashKey } = column;
  return format === 0 || format === 1 ? guarded(maskOf(spec, familyOf(typeOid, types), { format, types, hashKey }, 0)) : toNull;
}

/**
 * What an expression derived from a masked column becomes: `***` where the type has room for it (text, json, xml, "char"), else NULL.
 * An array is NULL as a whole: how many elements it has is a fact about the value.
 */
export function redactionFor({ typeOid, format, types }: OutputColumn): CellMask {
  return format === 0 || format === 1 ? redaction(familyOf(typeOid, types), format) : toNull;
}

interface Context {
  format: number;
  types: Types;
  hashKey: Buffer;
}

function maskOf(spec: MaskSpec, family: Family, context: Context, depth: number): CellMask {
  if (spec.type === 'null') return toNull;
  if (spec.type === 'redact') return redaction(family, context.format);
  if (family.kind === 'array') {
    const inner = depth > 8 ? toNull : maskOf(spec, familyOf(family.elementOid, context.types), context, depth + 1);
    return inner === toNull ? toNull : arrayMask(guarded(inner), family.delimiter, context.format);
  }
  if (family.kind === 'range' && (spec.type === 'date' || spec.type === 'number')) {
    const inner = depth > 8 ? toNull : maskOf(spec, familyOf(family.boundOid, context.types), context, depth + 1);
    // A bound is a value itself; of an array or a range as one, rounding keeps no order.
    const nested = familyOf(family.boundOid, context.types).kind;
    return inner === toNull || nested === 'array' || nested === 'range' ? toNull : rangeMask(inner, context.format, family.multiple);
  }
  switch (spec.type) {
    case 'constant': {
      const value = constantCell(spec.value, family, context.format);
      return value === null ? toNull : always(value);
    }
    case 'partial':
      return family.kind === 'text' ? partialMask(spec.keepFirst ?? 0, spec.keepLast ?? 0) : toNull;
    case 'email':
      return family.kind === 'text' ? emailMask : toNull;
    case 'hash':
      return hashMask(family, context.format, context.hashKey);
    case 'date':
      return family.kind === 'date' || family.kind === 'timestamp' || family.kind === 'timestamptz'
        ? dateMask(spec.truncate, family.kind, context.format)
        : toNull;
    case 'number':
      return numberMask(spec.bucket ?? spec.round ?? 0, spec.bucket !== undefined, family, context.format);
    default:
      spec satisfies never;
      return toNull;
  }
}

function numberMask(step: number, bucket: boolean, family: Family, format: number): CellMask {
  if (!(step > 0) || !Number.isFinite(step)) return toNull;
  switch (family.kind) {
    case 'integer':
      // A smaller step hides nothing of a whole number.
      return Number.isSafeInteger(step) && step >= 2 ? integerMask(step, bucket, family.type, format) : toNull;
    case 'float':
      return floatMask(step, bucket, family.size, format);
    case 'numeric': {
      const decimal = decimalOfNumber(step);
      return decimal === null ? toNull : numericMask(decimal, bucket, format);
    }
    default:
      return toNull;
  }
}

const STARS = Buffer.from('***');
const JSON_STARS = Buffer.from('"***"');
/** jsonb_send puts the version of the format first. */
const JSONB_STARS = Buffer.concat([Buffer.from([1]), JSON_STARS]);

function redaction(family: Family, format: number): CellMask {
  switch (family.kind) {
    case 'text':
    case 'xml':
      return always(STARS);
    case 'char':
      return always(STARS.subarray(0, 1));
    case 'json':
      return always(JSON_STARS);
    case 'jsonb':
      return always(format === 1 ? JSONB_STARS : JSON_STARS);
    default:
      return toNull;
  }
}

/** Where a mask could not read a value the cell is NULL: one cell is no reason to end a session, and its cause may be in the value. */
function guarded(mask: CellMask): CellMask {
  if (mask === toNull) return mask;
  return (bytes, start, end, out) => {
    const before = out.length;
    try {
      if (mask(bytes, start, end, out)) return true;
    } catch {
      // Told by the NULL alone: an error's words could carry the value.
    }
    out.length = before;
    return false;
  };
}
