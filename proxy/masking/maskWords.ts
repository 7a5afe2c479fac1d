import type { MaskSpec } from '../../db/schema/shapes';
import { toNull } from './transforms/always';
import { redactionFor } from './transforms/cellMaskFor';
import type { Types } from './transforms/family';
import { maskProblem } from './transforms/problem';

/** How a masked value leaves, in words: `partial, last 4`. */
export function maskWords(spec: MaskSpec): string {
  switch (spec.type) {
    case 'redact':
      return 'redacted';
    case 'null':
      return 'NULL';
    case 'hash':
      return 'hashed';
    case 'email':
      return 'email, first letter';
    case 'constant':
      return `constant ${JSON.stringify(spec.value)}`;
    case 'partial': {
      const kept = [...(spec.keepFirst ? [`first ${spec.keepFirst}`] : []), ...(spec.keepLast ? [`last ${spec.keepLast}`] : [])];
      return ['partial', ...(kept.length === 0 ? ['nothing kept'] : kept)].join(', ');
    }
    case 'date':
      return `date, cut to the ${spec.truncate}`;
    case 'number':
      return spec.round === undefined ? `number, in steps of ${spec.bucket ?? 1}` : `number, rounded to ${spec.round}`;
    default:
      spec satisfies never;
      return 'redacted';
  }
}

/** The same for a column of that type, which may have room for nothing but NULL. A type that is not known (0) is not spoken of. */
export function maskWordsFor(spec: MaskSpec, typeOid: number, types: Types): string {
  const words = maskWords(spec);
  if (typeOid === 0 || spec.type === 'null') return words;
  if (spec.type === 'redact') return redactionFor({ typeOid, format: 0, types }) === toNull ? 'redacted, as NULL' : words;
  return maskProblem(spec, typeOid, types) === null ? words : `NULL, since ${spec.type} does not fit its type`;
}
