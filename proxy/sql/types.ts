/** What a statement can do, from grammar alone. `opaque`: grammar cannot tell (DO, CALL, unknown functions are added by the catalog). */
export type Effect =
  | 'read'
  | 'insert'
  | 'update'
  | 'delete'
  | 'merge'
  | 'truncate'
  | 'create'
  | 'alter'
  | 'drop'
  | 'grant'
  | 'role'
  | 'setting'
  | 'lock'
  | 'file'
  | 'program'
  | 'network'
  | 'notify'
  | 'admin'
  | 'transaction'
  | 'session'
  | 'opaque';

/** A relation as the text names it. */
export interface RelationName {
  schema: string | null;
  name: string;
  access: 'read' | 'write';
}

export interface FunctionName {
  schema: string | null;
  name: string;
}

/** A write that may reach any number of rows. */
export interface UnboundedWrite {
  command: 'UPDATE' | 'DELETE' | 'MERGE' | 'INSERT' | 'TRUNCATE';
  /** `schema.table` where the catalog knows it. */
  relation: string;
  /** Why, and which columns would bound it. */
  advice: string;
  /** The same where an indexed column would do; null when one is pinned. */
  indexAdvice: string | null;
}

/** What one statement is. Pure data: one object may serve many sessions. */
export interface StatementFacts extends TextFacts {
  /** Its writes that no unique key of their target bounds, by the catalog. */
  unboundedWrites: readonly UnboundedWrite[];
}

/** What one statement is, as far as its text alone says. */
export interface TextFacts {
  /** The command word a person would use, most telling first: `SELECT`, `DELETE`, `DROP TABLE`, `COPY PROGRAM`, `ALTER ROLE`. */
  kind: string;
  /** Every command word anywhere in the tree: `WITH d AS (DELETE …) SELECT` has SELECT and DELETE; `EXPLAIN ANALYZE DELETE` has both. */
  commands: readonly string[];
  effects: ReadonlySet<Effect>;
  relations: readonly RelationName[];
  functions: readonly FunctionName[];
  /** libpg-query fingerprint, hexadecimal. */
  fingerprint: string;
  /** False when a node of the tree has no visitor; `unknown` names it. An incomplete statement is never clean. */
  complete: boolean;
  unknown: readonly string[];
  /** This statement's own text inside the whole, without surrounding white space or the semicolon. */
  text: string;
  /** SQL-level PREPARE/EXECUTE/DEALLOCATE, cursors, settings: what the session has to follow. */
  session: SessionEffect | null;
}

/** What a statement does to the session's own state. */
export type SessionEffect =
  | { type: 'prepare'; name: string }
  | { type: 'execute'; name: string }
  | { type: 'deallocate'; name: string | null }
  | { type: 'declare'; name: string }
  | { type: 'fetch'; name: string }
  | { type: 'close'; name: string | null }
  | { type: 'discard'; target: 'all' | 'plans' | 'temp' | 'sequences' }
  | { type: 'notify'; channel: string; payload: string }
  | { type: 'set'; name: string; value: string | null };
