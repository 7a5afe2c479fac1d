import type { MaskSpec } from '../../../db/schema/shapes';
import { toNull } from './always';
import { cellMaskFor } from './cellMaskFor';
import { baseTypeOf, type Family, familyOf, type Types } from './family';

/**
 * Why a mask does not fit a type, and which would, in words to follow "column public.orders.id: "; null when it fits. A mask that does not
 * fit leaves NULL and nothing else. `null` and `redact` fit every type: what has no room for `***` is meant to be NULL.
 */
export function maskProblem(spec: MaskSpec, typeOid: number, types: Types): string | null {
  if (fits(spec, typeOid, types)) return null;
  const name = typeName(typeOid, types);
  const family = elementFamily(typeOid, types);
  if (spec.type === 'constant' && takesConstants(family)) return `the constant ${quoted(spec.value)} is no ${name}; ${hint(family)}`;
  const step = spec.type === 'number' ? (spec.bucket ?? spec.round ?? 0) : 0;
  if (spec.type === 'number' && family.kind === 'integer') return `number by ${step} hides nothing of ${name}: take a whole number from 2`;
  const masks = PROBES.filter((probe) => fits(probe, typeOid, types)).map((probe) => probe.type);
  const fitting = ['redact', ...masks, ...(takesConstants(family) ? ['constant'] : [])];
  return `${spec.type} does not fit ${name}: use ${fitting.join(', ')} or null`;
}

/** A mask fits when it is built: one that is not there for a type is the one that always answers NULL. */
function fits(spec: MaskSpec, typeOid: number, types: Types): boolean {
  if (spec.type === 'null' || spec.type === 'redact') return true;
  return cellMaskFor({ spec, typeOid, format: 0, types, hashKey: NO_KEY }) !== toNull;
}

const NO_KEY = Buffer.alloc(32);

const PROBES: readonly MaskSpec[] = [
  { type: 'partial', keepLast: 1 },
  { type: 'hash' },
  { type: 'email' },
  { type: 'date', truncate: 'year' },
  { type: 'number', bucket: 10 },
];

function elementFamily(typeOid: number, types: Types): Family {
  const family = familyOf(typeOid, types);
  return family.kind === 'array' ? familyOf(family.elementOid, types) : family;
}

function takesConstants(family: Family): boolean {
  return family.kind !== 'array' && family.kind !== 'range' && family.kind !== 'composite' && family.kind !== 'other';
}

/** How a constant of this type is written. */
function hint(family: Family): string {
  switch (family.kind) {
    case 'enum':
      return `take one of ${family.labels.slice(0, 10).map(quoted).join(', ')}`;
    case 'char':
      return 'take one printable ASCII character';
    case 'xml':
      return 'take text without markup';
    case 'json':
    case 'jsonb':
      return 'take JSON, e.g. "hidden" in double quotes, or null';
    case 'bool':
      return 'take true or false';
    case 'integer':
      return 'take a whole number in its range';
    case 'float':
    case 'numeric':
      return 'take a number';
    case 'uuid':
      return 'take a UUID, e.g. 00000000-0000-0000-0000-000000000000';
    case 'bytea':
      return 'take bytes in hex, e.g. \\x00';
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return 'take a day, e.g. 1970-01-01';
    case 'time':
      return 'take a time of day, e.g. 00:00';
    case 'inet':
      return 'take an address, e.g. 0.0.0.0 or 10.0.0.0/8';
    case 'macaddr':
      return 'take an address, e.g. 00:00:00:00:00:00';
    case 'text':
      return 'leave out the NUL character';
    case 'array':
    case 'range':
    case 'composite':
    case 'other':
      return 'it has none';
    default:
      family satisfies never;
      return '';
  }
}

const quoted = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

/** `int4`, `text[]`, `public.mood`; a domain by its own name and what it is over. */
function typeName(typeOid: number, types: Types): string {
  const type = types.get(typeOid);
  if (type === undefined) return `type ${typeOid}`;
  if (type.elementOid !== 0) return `${typeName(type.elementOid, types)}[]`;
  const name = type.schema === 'pg_catalog' ? type.name : `${type.schema}.${type.name}`;
  const base = baseTypeOf(typeOid, types);
  return base === typeOid || base === 0 ? name : `${name} (${typeName(base, types)})`;
}
