import type { ResultPlan } from '../masking/results';
import type { Judgement } from '../policy/judge';
import type { ColumnDescription } from '../wire/backend';
import type { Effective } from './effective';
import type { Execution } from './execution';

/** A prepared statement, from Parse or from SQL PREPARE: one name space for both. */
export interface PreparedStatement {
  name: string;
  sql: string;
  /** Made by SQL PREPARE: `sql` is the whole PREPARE, and binding the name runs what it prepared. */
  bySql: boolean;
  /** As given in Parse; replaced by the server's own answer when it was asked. */
  parameterTypes: readonly number[];
  judgement: Judgement;
  /** Result columns as the server described them; null when it was not asked. */
  columns: readonly ColumnDescription[] | null;
}

/** A bound portal: what it runs, and how its rows leave. */
export interface Portal {
  name: string;
  statement: PreparedStatement;
  judgement: Effective;
  parameterFormats: readonly number[];
  parameters: readonly (Buffer | null)[];
  /** The approval that let it through, if one was needed. */
  requestId: string | null;
  waitMs: number;
  /** Policy version it was judged under. */
  policyVersion: number;
  executed: boolean;
  /** A Describe of this portal is on its way or answered. */
  described: boolean;
  plan: ResultPlan | null;
  /** The run that was held at Bind and approved; the first Execute is that run. */
  pending: Execution | null;
  analysisMs: number;
}

/** Takes back a change that the server turned out not to have made. */
export type Undo = () => void;

/**
 * The session's names as the server has them. Changes are made when a message is forwarded and undone when the server
 * answers with an error instead, so that a pipeline may use a name before its Parse is answered.
 */
export class SessionNames {
  readonly statements = new Map<string, PreparedStatement>();
  readonly portals = new Map<string, Portal>();
  /** Cursors made by DECLARE; their statements touched nothing masked, or they would not exist. */
  readonly cursors = new Set<string>();

  putStatement(statement: PreparedStatement): Undo {
    return put(this.statements, statement.name, statement);
  }

  putPortal(portal: Portal): Undo {
    return put(this.portals, portal.name, portal);
  }

  dropStatement(name: string): Undo {
    return put(this.statements, name, undefined);
  }

  dropPortal(name: string): Undo {
    return put(this.portals, name, undefined);
  }

  /** A simple Query destroys the unnamed statement and portal. */
  dropUnnamed(): void {
    this.statements.delete('');
    this.portals.delete('');
  }

  /** Portals do not outlive their transaction. */
  endTransaction(): void {
    this.portals.clear();
  }

  discardAll(): void {
    this.statements.clear();
    this.portals.clear();
    this.cursors.clear();
  }
}

function put<T>(map: Map<string, T>, name: string, value: T | undefined): Undo {
  const previous = map.get(name);
  if (value === undefined) map.delete(name);
  else map.set(name, value);
  return () => {
    if (previous === undefined) map.delete(name);
    else map.set(name, previous);
  };
}
