import pg from 'pg';
import type { CatalogSnapshot, Relation, TypeInfo } from '../../catalog/types';

/** A column of a table, whose values the oracle changes. */
export interface BaseColumn {
  relation: Relation;
  name: string;
  /** As in `Value.sources`. */
  key: string;
  type: TypeInfo | undefined;
}

/** One way to change a column: an UPDATE, and the UPDATE that moves the same rows and changes none. */
export interface Perturbation {
  column: BaseColumn;
  change: string;
  noChange: string;
  /** What only a value that was computed from the new ones can show; null when nothing tells. */
  marker: string | null;
}

const KINDS: ReadonlySet<string> = new Set(['r', 'p']);

export function baseColumns(catalog: CatalogSnapshot, relations: Iterable<Relation>): BaseColumn[] {
  return [...relations]
    .filter((relation) => KINDS.has(relation.kind))
    .flatMap((relation) =>
      relation.columns
        .filter((column) => column.generated === null)
        .map(({ name, number, typeOid }) => ({ relation, name, key: `${relation.oid}.${number}`, type: catalog.types.get(typeOid) })),
    );
}

/** What changes with a column: itself, the same column of relatives, which share rows, and what is generated from any of these. */
export function family(catalog: CatalogSnapshot, { relation, name }: BaseColumn): ReadonlySet<string> {
  const relatives = new Set([relation]);
  for (const each of relatives)
    for (const oid of [...each.parents, ...each.children]) {
      const other = catalog.relations.get(oid);
      if (other !== undefined) relatives.add(other);
    }
  const keys = [...relatives].flatMap((each) => {
    const generated = each.columns.filter((column) => column.generated?.includes(name));
    return [...each.columns.filter((column) => column.name === name), ...generated].map((column) => `${each.oid}.${column.number}`);
  });
  return new Set(keys);
}

const MARKER = 'zqx';

/** Each way to give a column other values that its type may allow, all rows at once and a single row; those that matter most first. */
export function perturbations(column: BaseColumn): Perturbation[] {
  const table = `${pg.escapeIdentifier(column.relation.schema)}.${pg.escapeIdentifier(column.relation.name)}`;
  const name = pg.escapeIdentifier(column.name);
  const values = [...typed(column.type, name), ...general(column.type, name, table)];
  const only = column.relation.kind === 'p' ? null : ` WHERE ctid = (SELECT min(z.ctid) FROM ONLY ${table} AS z)`;
  const all = values.map(({ value, marker }) => ({ value, marker, where: '' }));
  const one = only === null ? [] : values.map(({ value, marker }) => ({ value, marker, where: only }));
  return [...all, ...one].map(({ value, marker, where }) => ({
    column,
    change: `UPDATE ${table} AS t SET ${name} = ${value}${where}`,
    noChange: `UPDATE ${table} AS t SET ${name} = ${name}${where}`,
    marker,
  }));
}

interface NewValue {
  value: string;
  marker: string | null;
}

function typed(type: TypeInfo | undefined, name: string): NewValue[] {
  const plain = (value: string): NewValue => ({ value, marker: null });
  switch (type?.category) {
    case 'S':
      return [{ value: `'${MARKER}' || t.${name}`, marker: MARKER }, plain(`reverse(t.${name}::text)`)];
    case 'N':
      return [plain(`t.${name} + 1`), plain(`t.${name} * -3 - 17`), plain('0')];
    case 'B':
      return [plain(`NOT t.${name}`)];
    case 'D':
      return [plain(`t.${name} + interval '401 days 3 hours'`)];
    case 'A':
      return [plain(`t.${name} || t.${name}`), plain(`t.${name}[2:]`)];
    default:
      return [];
  }
}

/** For every type: NULL, the value of another row, and other letters and digits in the same places. */
function general(type: TypeInfo | undefined, name: string, table: string): NewValue[] {
  const other = `(SELECT y.${name} FROM ${table} AS y WHERE y.${name} IS NOT NULL ORDER BY y.${name}::text DESC LIMIT 1)`;
  const shifted = "translate(%::text, '0123456789abcdefghijklmnopqrstuvwxyz', '1234567890bcdefghijklmnopqrstuvwxyza')".replace(
    '%',
    `t.${name}`,
  );
  const written = type === undefined ? [] : [`${shifted}::${pg.escapeIdentifier(type.schema)}.${pg.escapeIdentifier(type.name)}`];
  return [other, 'NULL', ...written].map((value) => ({ value, marker: null }));
}
