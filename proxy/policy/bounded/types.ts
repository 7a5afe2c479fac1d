import type { CatalogSnapshot, TypeInfo } from '../../catalog/types';
import { redefined } from './redefined';
import { ADAPTS, type Types, UNKNOWN } from './source';

/** OIDs of PostgreSQL's own types. */
export const INT2 = 21;
export const INT4 = 23;
export const INT8 = 20;
export const NUMERIC = 1700;
const FLOATS: ReadonlySet<number> = new Set([700, 701]);
const BPCHAR = 1042;
export const TEXT = 25;
/** text, character varying and name. */
export const TEXTS: ReadonlySet<number> = new Set([TEXT, 1043, 19]);
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;

export const INTEGERS: ReadonlySet<number> = new Set([INT2, INT4, INT8]);
export const EXACT_NUMBERS: ReadonlySet<number> = new Set([...INTEGERS, NUMERIC]);

/** A domain's base type; itself otherwise. */
export function baseType(catalog: CatalogSnapshot, typeOid: number): number {
  let oid = typeOid;
  for (let type = catalog.types.get(oid); type?.type === 'd' && type.baseOid !== 0; type = catalog.types.get(oid)) oid = type.baseOid;
  return oid;
}

/**
 * Whether `column = value` finds one value of the column for one value given. PostgreSQL may convert the column for the comparison, and
 * where that loses something (bigint to double precision, varchar to char(n), a time that a time zone skips) many values become equal.
 */
export function findsOne(catalog: CatalogSnapshot, columnTypes: Types, valueTypes: Types): boolean {
  return columnTypes.every((columnType) => {
    const column = baseType(catalog, columnType);
    if (catalog.foldingCollations && isText(catalog.types.get(column)) && !valueTypes.every((type) => type === ADAPTS)) return false;
    return valueTypes.every((valueType) => {
      const value = valueType === ADAPTS || valueType === UNKNOWN ? valueType : baseType(catalog, valueType);
      return value === ADAPTS || value === column || (keepsApart(column, value) && !isCastByUser(catalog, column));
    });
  });
}

function keepsApart(column: number, value: number): boolean {
  if (column === UNKNOWN) return false;
  const perhaps = (lossy: boolean) => value === UNKNOWN || lossy;
  if (column === INT8 || column === NUMERIC) return !perhaps(FLOATS.has(value));
  if (TEXTS.has(column)) return !perhaps(value === BPCHAR);
  if (column === TIMESTAMP) return !perhaps(value === TIMESTAMPTZ);
  return true;
}

/** Text under a collation, or something that may hold such text. */
function isText(type: TypeInfo | undefined): boolean {
  return type === undefined || !['N', 'D', 'B', 'T', 'I', 'V', 'E'].includes(type.category) ? !FIXED_FORM.has(type?.name ?? '') : false;
}

const FIXED_FORM: ReadonlySet<string> = new Set(['uuid', 'bytea']);

function isCastByUser(catalog: CatalogSnapshot, typeOid: number): boolean {
  const { casts, castsFrom } = redefined(catalog);
  const name = catalog.types.get(typeOid)?.name ?? '';
  return casts.has(name) || castsFrom.has(name);
}
