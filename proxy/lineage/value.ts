/**
 * How an output follows from a base column, from what says least about the value to what says most.
 * counted: only whether it is NULL. copied: the value itself, unchanged. transformed: anything computed from it. aggregated: computed
 * from the values of many rows. whole row: inside a row value.
 */
export type Derivation = 'counted' | 'copied' | 'transformed' | 'aggregated' | 'whole row';

const RANK: Readonly<Record<Derivation, number>> = { counted: 0, copied: 1, transformed: 2, aggregated: 3, 'whole row': 4 };

/** One base column, or column of a view, that an output depends on. */
export interface Source {
  relationOid: number;
  /** pg_attribute.attnum */
  number: number;
  derivation: Derivation;
  /** The columns of views it came through, nearest first, as `schema.view.column`. */
  via: readonly string[];
}

/** What is known of an expression's value: where it comes from. Immutable. */
export interface Value {
  /** By `relationOid.number`. */
  sources: ReadonlyMap<string, Source>;
  /** Of a row value whose columns are known: each of them; else null. */
  fields: ReadonlyMap<string, Value> | null;
  /** 0 when it is not known. */
  typeOid: number;
}

/** Depends on no column. */
export const NONE: Value = { sources: new Map(), fields: null, typeOid: 0 };

export const columnValue = (relationOid: number, number: number, typeOid: number): Value => ({
  sources: new Map([[`${relationOid}.${number}`, { relationOid, number, derivation: 'copied', via: [] }]]),
  fields: null,
  typeOid,
});

/** Either of the values: what both depend on, each column by the derivation that says more. */
export function either(values: readonly Value[]): Value {
  const [first] = values;
  if (first === undefined) return NONE;
  if (values.length === 1) return first;
  const sources = new Map<string, Source>();
  for (const value of values) {
    for (const [key, source] of value.sources) {
      const before = sources.get(key);
      if (before === undefined || RANK[source.derivation] > RANK[before.derivation]) sources.set(key, source);
    }
  }
  const typeOid = values.every((value) => value.typeOid === first.typeOid) ? first.typeOid : 0;
  if (sources.size === 0) return typeOid === 0 ? NONE : { ...NONE, typeOid };
  return { sources, fields: null, typeOid };
}

/** Computed from the values. A mere count stays one. */
export const derived = (values: readonly Value[], derivation: Derivation = 'transformed'): Value => {
  const value = either(values);
  if (value.sources.size === 0) return NONE;
  const sources = new Map<string, Source>();
  for (const [key, source] of value.sources) sources.set(key, { ...source, derivation: atLeast(source.derivation, derivation) });
  return { sources, fields: null, typeOid: 0 };
};

function atLeast(inner: Derivation, outer: Derivation): Derivation {
  if (inner === 'counted') return 'counted';
  return RANK[inner] >= RANK[outer] ? inner : outer;
}

/** Whether it is NULL, or how often it is not: nothing else of a column that is merely copied. */
export function counted(values: readonly Value[]): Value {
  const value = either(values);
  for (const source of value.sources.values()) if (RANK[source.derivation] > RANK.copied) return derived([value], 'aggregated');
  const sources = new Map<string, Source>();
  for (const [key, source] of value.sources) sources.set(key, { ...source, derivation: 'counted' });
  return { sources, fields: null, typeOid: 0 };
}

/** A row of named columns. Where two have one name it is a row whose columns cannot be told apart. */
export function rowOf(columns: readonly { name: string; value: Value }[], typeOid = 0): Value {
  const whole = derived(
    columns.map((column) => column.value),
    'whole row',
  );
  const fields = new Map(columns.map(({ name, value }) => [name, value]));
  return { sources: whole.sources, fields: fields.size === columns.length ? fields : null, typeOid };
}

/** Whether each source is the very value: what an equality compares, or a mask of the column's own applies to. */
export function isCopy(value: Value): boolean {
  for (const source of value.sources.values()) if (source.derivation !== 'copied') return false;
  return true;
}

export function isSame(a: Value, b: Value): boolean {
  if (a.sources.size !== b.sources.size) return false;
  for (const [key, source] of a.sources) if (b.sources.get(key)?.derivation !== source.derivation) return false;
  return true;
}
