import type { SqlNode } from '../sql/tree';
import { derived, NONE, rowOf, type Value } from './value';

export interface ScopeColumn {
  name: string;
  value: Value;
  /** No star stands for it: what SEARCH and CYCLE add, where their own query sees it. */
  hidden?: boolean;
}

/** What FROM puts in scope under one name (PostgreSQL's ParseNamespaceItem). */
export interface ScopeItem {
  /** Alias, or the relation's own name; null for a join without an alias. */
  name: string | null;
  /** The schema it may be qualified with: of a relation without an alias. */
  schema: string | null;
  /** Null when they are not known: any name may be one of them, and carries `any`. */
  columns: readonly ScopeColumn[] | null;
  any: Value;
  /** Its name may be used. */
  named: boolean;
  /** Its columns may be used without its name. */
  open: boolean;
  /** It has ctid, xmin and their like. */
  system: boolean;
  /** Of its rows; 0 when it is not known. */
  typeOid: number;
}

/** One query level: what its FROM has put in scope, and the level around it. */
export interface Scope {
  items: ScopeItem[];
  parent: Scope | null;
  /** Of a function's body: its arguments, which any column hides. */
  parameters: readonly ScopeColumn[] | null;
}

export const newScope = (parent: Scope | null, items: ScopeItem[] = []): Scope => ({ items, parent, parameters: null });

export function newItem(name: string | null, columns: readonly ScopeColumn[] | null, more: Partial<ScopeItem> = {}): ScopeItem {
  return { name, schema: null, columns, any: NONE, named: name !== null, open: true, system: false, typeOid: 0, ...more };
}

/** The names a WITH has put in scope, and those around it. */
export interface Ctes {
  parent: Ctes | null;
  find(name: string): Cte | null;
}

export interface Cte {
  columns(): readonly ScopeColumn[];
}

export function findCte(ctes: Ctes | null, name: string): Cte | null {
  for (let at = ctes; at !== null; at = at.parent) {
    const found = at.find(name);
    if (found !== null) return found;
  }
  return null;
}

/** Where a query stands: the level around it, and the WITH names it sees. */
export interface Place {
  scope: Scope | null;
  ctes: Ctes | null;
}

/** Cannot be told: with the words for why, and where. */
export class UnresolvedError extends Error {
  override name = 'UnresolvedError';
  constructor(
    readonly reason: string,
    readonly node: SqlNode | null = null,
  ) {
    super(reason);
  }
}

const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

/** What a bare name means as a column. `certain` is false when a row source whose columns are not known may have it or not. */
export interface FoundColumn {
  value: Value;
  certain: boolean;
}

/** A column by its bare name, from the innermost level that has one; null when none has. */
export function findColumn(scope: Scope | null, name: string, levels = Number.POSITIVE_INFINITY): FoundColumn | null {
  const guesses: Value[] = [];
  const found = (value: Value): FoundColumn =>
    guesses.length === 0 ? { value, certain: true } : { value: derived([...guesses, value]), certain: true };
  let depth = 0;
  for (let at = scope; at !== null && depth < levels; at = at.parent, depth++) {
    const open = at.items.filter((item) => item.open);
    const columns = open.flatMap((item) => (item.columns ?? []).filter((column) => column.name === name));
    if (columns.length > 1) throw new UnresolvedError(`column ${name} is ambiguous`);
    if (columns[0] !== undefined) return found(columns[0].value);
    if (SYSTEM_COLUMNS.has(name) && open.some((item) => item.system)) return found(NONE);
    guesses.push(...open.flatMap((item) => (item.columns === null ? [item.any] : [])));
    const parameter = at.parameters?.find((column) => column.name === name);
    if (parameter !== undefined) return found(parameter.value);
  }
  return guesses.length === 0 ? null : { value: derived(guesses), certain: false };
}

/** What a name in front of a dot means. */
export function findItem(scope: Scope | null, schema: string | null, name: string): ScopeItem | null {
  for (let at = scope; at !== null; at = at.parent) {
    const found = at.items.filter((item) => item.named && item.name === name && (schema === null || item.schema === schema));
    if (found.length > 1) throw new UnresolvedError(`table name ${name} is ambiguous`);
    if (found[0] !== undefined) return found[0];
  }
  return null;
}

/** A column of an item; null when it has none of that name. */
export function columnOf(item: ScopeItem, name: string): Value | null {
  if (item.columns === null) return item.any;
  const found = item.columns.filter((column) => column.name === name);
  if (found.length > 1) throw new UnresolvedError(`column ${name} is ambiguous`);
  return found[0]?.value ?? (item.system && SYSTEM_COLUMNS.has(name) ? NONE : null);
}

export function rowValue(item: ScopeItem): Value {
  return item.columns === null ? { ...item.any, fields: null } : rowOf(expand(item), item.typeOid);
}

/** The columns a star stands for. */
export function expand(item: ScopeItem): readonly ScopeColumn[] {
  if (item.columns === null) throw new UnresolvedError(`the columns of ${item.name ?? 'a row source'} are not known`);
  return item.columns.filter((column) => column.hidden !== true);
}
