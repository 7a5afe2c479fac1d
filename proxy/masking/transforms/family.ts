import type { TypeInfo } from '../../catalog/types';

/** The catalog's types by OID. */
export type Types = ReadonlyMap<number, TypeInfo>;

export type IntegerType = 'int2' | 'int4' | 'int8' | 'oid';

/** How a type stores its values, as far as masks care. Domains are resolved to their base type before. */
export type Family =
  /** `equality`: what the type's own `=` ignores: nothing, blanks at the end (character), case (citext). */
  | { kind: 'text'; equality: 'exact' | 'unpadded' | 'caseless' }
  | { kind: 'integer'; type: IntegerType }
  | { kind: 'float'; size: 4 | 8 }
  | { kind: 'enum'; labels: readonly string[] }
  | { kind: 'array'; elementOid: number; delimiter: string }
  | { kind: 'range'; boundOid: number; multiple: boolean }
  | { kind: 'char' | 'json' | 'jsonb' | 'xml' | 'uuid' | 'bytea' | 'bool' | 'numeric' | 'date' | 'timestamp' | 'timestamptz' }
  | { kind: 'time' | 'inet' | 'macaddr' }
  | { kind: 'composite' | 'other' };

/** PostgreSQL's own types, by the OIDs that never change (src/include/catalog/pg_type.dat). */
const BUILT_IN: ReadonlyMap<number, Family> = new Map<number, Family>([
  [16, { kind: 'bool' }],
  [17, { kind: 'bytea' }],
  [18, { kind: 'char' }],
  [19, { kind: 'text', equality: 'exact' }], // name
  [20, { kind: 'integer', type: 'int8' }],
  [21, { kind: 'integer', type: 'int2' }],
  [22, { kind: 'other' }], // int2vector: an array by its category, not by its text
  [23, { kind: 'integer', type: 'int4' }],
  [25, { kind: 'text', equality: 'exact' }],
  [26, { kind: 'integer', type: 'oid' }],
  [30, { kind: 'other' }], // oidvector
  [114, { kind: 'json' }],
  [142, { kind: 'xml' }],
  [700, { kind: 'float', size: 4 }],
  [701, { kind: 'float', size: 8 }],
  [705, { kind: 'text', equality: 'exact' }], // unknown: an untyped literal
  [829, { kind: 'macaddr' }],
  [869, { kind: 'inet' }],
  [1042, { kind: 'text', equality: 'unpadded' }],
  [1043, { kind: 'text', equality: 'exact' }],
  [1082, { kind: 'date' }],
  [1083, { kind: 'time' }],
  [1114, { kind: 'timestamp' }],
  [1184, { kind: 'timestamptz' }],
  [1700, { kind: 'numeric' }],
  [2275, { kind: 'text', equality: 'exact' }], // cstring
  [2950, { kind: 'uuid' }],
  [3802, { kind: 'jsonb' }],
]);

const OTHER: Family = { kind: 'other' };

/** A type nobody knows is `other`: only NULL is a safe value of it. */
export function familyOf(typeOid: number, types: Types): Family {
  const oid = baseTypeOf(typeOid, types);
  const builtIn = BUILT_IN.get(oid);
  if (builtIn !== undefined) return builtIn;
  const type = types.get(oid);
  if (type === undefined) return OTHER;
  if (type.elementOid !== 0) {
    return { kind: 'array', elementOid: type.elementOid, delimiter: types.get(type.elementOid)?.delimiter ?? ',' };
  }
  if (type.type === 'e' && type.labels !== null) return { kind: 'enum', labels: type.labels };
  if (type.type === 'r' || type.type === 'm') return { kind: 'range', boundOid: type.boundOid, multiple: type.type === 'm' };
  if (type.type === 'c') return { kind: 'composite' };
  if (type.type === 'b' && type.name === 'citext' && type.category === 'S') return { kind: 'text', equality: 'caseless' };
  return OTHER;
}

/** The type behind domains; a chain that does not end is left where it is and has no family. */
export function baseTypeOf(typeOid: number, types: Types): number {
  let oid = typeOid;
  for (let depth = 0; depth < 32; depth++) {
    const type = types.get(oid);
    if (type?.type !== 'd') return oid;
    oid = type.baseOid;
  }
  return 0;
}
