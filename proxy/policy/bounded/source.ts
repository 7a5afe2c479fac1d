import type { CatalogSnapshot } from '../../catalog/types';
import type { SqlNode } from '../../sql/tree';

/** Where names are read: one per write; `steps` counts work, so that a hostile condition costs no more than a long one. */
export interface Place {
  catalog: CatalogSnapshot;
  /** Null when it is not known: a name then means any relation of that name. */
  searchPath: readonly string[] | null;
  /** The names of WITH that are in scope. */
  ctes: ReadonlyMap<string, Source>;
  work: { steps: number; sources: Map<SqlNode, Source> };
}

/** Types a value may have: an OID, {@link ADAPTS} or {@link UNKNOWN}. */
export type Types = readonly number[];

/** A literal or a parameter: it takes the type of what it is compared with. */
export const ADAPTS = -1;
export const UNKNOWN = 0;

export interface SourceColumn {
  name: string;
  types: Types;
}

/** What FROM gives a name to, or the target of a write. */
export interface Source {
  name: string | null;
  schema: string | null;
  /** Null when they are not known. */
  columns: readonly SourceColumn[] | null;
  /**
   * The tables whose rows it has (a table and those that inherit from it), each with the sets of columns that identify one row there.
   * One without any is never identified.
   */
  parts: readonly (readonly (readonly string[])[])[];
  /** Columns that lead an index. */
  indexed: readonly string[];
  /** Columns whose values come from a set that the text writes out. */
  pinned: readonly string[];
  /** It has no more rows than the text writes out. */
  few: boolean;
  /** Read twice by one statement, it gives the same rows: nothing volatile decides them, nothing is locked on the way. */
  stable: boolean;
  /** It has ctid. */
  physical: boolean;
}

/** Something of which nothing is known but, perhaps, its name. */
export function unknownSource(name: string | null): Source {
  return {
    ...{ name, schema: null, columns: null, parts: [[]], indexed: [], pinned: [] },
    ...{ few: false, stable: false, physical: false },
  };
}

/** `AS t (a, b)`: names by position; those beyond keep their own. */
export function renamed(source: Source, alias: string | null, given: readonly string[]): Source {
  const name = alias ?? source.name;
  const schema = alias === null ? source.schema : null;
  if (given.length === 0) return { ...source, name, schema };
  const before = source.columns;
  if (before === null) {
    const columns = given.map((column) => ({ name: column, types: [UNKNOWN] }));
    return { ...source, name, schema, columns, parts: [[]], indexed: [], pinned: [] };
  }
  const columns = before.map((column, i) => ({ ...column, name: given[i] ?? column.name }));
  const next = new Map(before.map((column, i) => [column.name, columns[i]?.name ?? column.name]));
  const rename = (column: string) => next.get(column) ?? column;
  return {
    ...source,
    ...{ name, schema, columns },
    parts: source.parts.map((keys) => keys.map((key) => key.map(rename))),
    indexed: source.indexed.map(rename),
    pinned: source.pinned.map(rename),
  };
}

/** Work on one write beyond which its condition counts as one that cannot be followed. */
const MAX_STEPS = 100_000;

export class TooMuchWork extends Error {
  override name = 'TooMuchWork';
}

/** @throws TooMuchWork */
export function step(place: Place): void {
  if (++place.work.steps > MAX_STEPS) throw new TooMuchWork();
}
