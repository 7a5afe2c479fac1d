/** What the gateway knows of one upstream database: read in one transaction, immutable, shared by every session of that connection. */
export interface CatalogSnapshot {
  /** Increments with every snapshot of a keeper; part of every cache key. */
  version: number;
  /** `server_version_num`, e.g. 180004. */
  serverVersion: number;
  fingerprint: string;
  user: { name: string; superuser: boolean; bypassRls: boolean };
  /** Schemas an unqualified name is looked up in by default, pg_catalog left out, in order. */
  searchPath: readonly string[];
  relations: ReadonlyMap<number, Relation>;
  /** By bare name, in every schema; composite types are no relations to a statement and left out. */
  relationsByName: ReadonlyMap<string, readonly Relation[]>;
  /** Temporary relations of all sessions. They hold nothing masked, because nothing masked is let into them. */
  temporary: ReadonlySet<number>;
  /** Names that columns had before: a masking rule that named one goes on to name it. */
  formerNames: FormerNames;
  functions: ReadonlyMap<string, readonly FunctionInfo[]>;
  /** Operators and casts that are not PostgreSQL's own. */
  operators: readonly DefinedObject[];
  casts: readonly UserCast[];
  /** There are collations under which different texts are equal (CREATE COLLATION … deterministic = false). */
  foldingCollations: boolean;
  /** The user's functions that the CHECKs of a domain call, those of the domains it is over included, by the domain's bare name. */
  domainChecks: ReadonlyMap<string, readonly number[]>;
  types: ReadonlyMap<number, TypeInfo>;
  /** Relations and functions whose text could not be read because somebody had locked what it names; they are to be read again. */
  unreadable: readonly string[];
}

/** Schema, relation and column. */
export type ColumnPath = readonly [string, string, string];
/** By relation OID and attribute number, joined by a dot. */
export type FormerNames = ReadonlyMap<string, readonly ColumnPath[]>;

/** pg_class.relkind: r table, p partitioned table, v view, m materialised view, f foreign table, S sequence, c composite type, i and I index, t toast. */
export type RelationKind = 'r' | 'p' | 'v' | 'm' | 'f' | 'S' | 'c' | 'i' | 'I' | 't';

export interface Relation {
  oid: number;
  schema: string;
  name: string;
  kind: RelationKind;
  columns: readonly Column[];
  /** pg_get_viewdef with every name qualified; null for what is no view, and for system views; empty when it could not be read. */
  definition: string | null;
  /** Direct inheritance parents (or the partitioned table) and children, by OID. */
  parents: readonly number[];
  children: readonly number[];
  foreignKeys: readonly ForeignKey[];
  /** Attribute numbers of each unique index by which `=` finds at most one row, at any moment; the primary key first. */
  keys: readonly (readonly number[])[];
  /** Attribute numbers of the columns that lead an index over all rows. */
  indexed: readonly number[];
  /** What PostgreSQL runs of the user's own when it writes or reads the relation, triggers and rules aside. */
  implicit: readonly ImplicitUse[];
  triggers: readonly Trigger[];
  rules: readonly RewriteRule[];
  /** A foreign table that reads this very database, or one whose server does not say which. */
  loopback: boolean;
}

export interface Column {
  /** pg_attribute.attnum, from 1; dropped columns leave gaps. */
  number: number;
  name: string;
  typeOid: number;
  /** The expression of a generated column; empty when it could not be read. */
  generated: string | null;
}

export interface ForeignKey {
  columns: readonly number[];
  referencedOid: number;
  referencedColumns: readonly number[];
  /** What happens to the row that refers when the one it refers to goes or changes; `set` is SET NULL and SET DEFAULT. */
  onDelete: 'none' | 'cascade' | 'set';
  onUpdate: 'none' | 'cascade' | 'set';
}

export type WriteEvent = 'insert' | 'update' | 'delete' | 'truncate';

/** A trigger whose function is not PostgreSQL's own. */
export interface Trigger {
  functionOid: number;
  events: readonly WriteEvent[];
  /** Of UPDATE OF: the attribute numbers; empty for any. */
  columns: readonly number[];
  enabled: boolean;
}

/**
 * A default, a generated column, a CHECK (its own, or one of a domain), an expression of an index, or a row-level security policy, by what it
 * names: the OIDs of functions and relations that are not PostgreSQL's own.
 */
export interface ImplicitUse {
  on: 'write' | 'any';
  functions: readonly number[];
  relations: readonly number[];
}

/** A rewrite rule (CREATE RULE, and the query of a view as `select`): the OIDs it names besides its own relation; PostgreSQL's own are left out. */
export interface RewriteRule {
  event: 'select' | WriteEvent;
  relations: readonly number[];
  functions: readonly number[];
}

export interface FunctionInfo {
  oid: number;
  schema: string;
  name: string;
  language: string;
  volatility: 'immutable' | 'stable' | 'volatile';
  kind: 'function' | 'procedure' | 'aggregate' | 'window';
  arguments: readonly FunctionArgument[];
  returnTypeOid: number;
  returnsSet: boolean;
  /** Runs with the rights of its owner. */
  securityDefiner: boolean;
  /** The extension it belongs to, or null. */
  extension: string | null;
  /** The body of a function that is not PostgreSQL's own; null for those. */
  source: string | null;
  /** The body could not be read: it may do anything. */
  unreadable: boolean;
  /** The search_path its own SET clause gives it, as PostgreSQL spells it; null where it runs with its caller's. */
  searchPath: string | null;
  /** What its last arguments are when a call leaves them out: expressions, separated by commas; null when there are none. */
  defaults: string | null;
}

/** pg_proc.proargmodes: i in, o out, b in and out, v variadic, t a column of RETURNS TABLE. */
export interface FunctionArgument {
  /** Empty when it has none. */
  name: string;
  mode: 'i' | 'o' | 'b' | 'v' | 't';
  typeOid: number;
}

export interface DefinedObject {
  schema: string;
  name: string;
  extension: string | null;
}

export interface UserCast {
  source: string;
  target: string;
  extension: string | null;
}

export interface TypeInfo {
  oid: number;
  schema: string;
  name: string;
  /** pg_type.typtype: b base, c composite, d domain, e enum, p pseudo, r range, m multirange. */
  type: string;
  /** Of a domain: its base type; else 0. */
  baseOid: number;
  /** Of an array: its element type; else 0. */
  elementOid: number;
  /** pg_type.typcategory: S string, N numeric, D date and time, B boolean, U user … */
  category: string;
  /** Of a composite: the relation that has its columns, itself of kind `c` when the type stands alone; else 0. */
  relationOid: number;
  /** Between the elements of an array of it, in text. */
  delimiter: string;
  /** Of a range or multirange: the type of its bounds; else 0. */
  boundOid: number;
  /** Of an enum: its labels, in order; else null. */
  labels: readonly string[] | null;
}
