import type { ParameterValue } from '../../db/schema/shapes';
import type { ResultPlan } from '../masking/results';
import type { JudgedStatement, Judgement } from '../policy/judge';
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
  /** As the record shows them; the bytes themselves are not kept. */
  parameters: readonly ParameterValue[];
  /** It was held when it was bound, and a person let it through. */
  approved: boolean;
  /** It executes a name that nobody has yet: the server asks for it at Execute, so that is where it fails. */
  unresolved: boolean;
  /** Policy version it was judged under. */
  policyVersion: number;
  /** A Describe of this portal is on its way or answered. */
  described: boolean;
  plan: ResultPlan | null;
  /** As the server described them for this portal; null when it was not asked. */
  columns: readonly ColumnDescription[] | null;
  /** The run by whose approval, grant or break-glass it may run; null where it needed none of its own. */
  released: Execution | null;
  /** The run that was held at Bind and approved; the first Execute is that run. */
  pending: Execution | null;
  analysisMs: number;
}

/** A change of a name that was forwarded: `done` when the server made it, `undo` when it turned out not to. */
export interface Change {
  done(): void;
  undo(): void;
}

/**
 * Names as the server has them, and on top of each the changes that are still on their way. Each change is settled by its own answer,
 * so a pipeline may use a name before its Parse is answered, and a change that fails takes nothing else with it.
 */
export class NameTable<T> {
  readonly #known = new Map<string, T>();
  readonly #pending = new Map<string, { value: T | undefined; batch: number }[]>();
  readonly #sizeOf: (value: T) => number;
  #knownBytes = 0;
  #pendingBytes = 0;

  constructor(sizeOf: (value: T) => number) {
    this.#sizeOf = sizeOf;
  }

  /** About how much memory the values take. */
  get bytes(): number {
    return this.#knownBytes + this.#pendingBytes;
  }

  #size(value: T | undefined): number {
    return value === undefined ? 0 : this.#sizeOf(value);
  }

  get(name: string): T | undefined {
    const key = keyOf(name);
    const last = this.#pending.get(key)?.at(-1);
    return last === undefined ? this.#known.get(key) : last.value;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /**
   * Whether a change of an earlier batch (what stands between two Syncs) is still on its way. Its batch may fail while this one runs, so
   * the name is not to be used before it is settled; a change of this very batch can only fail together with what follows it.
   */
  isUnsure(name: string, batch: number): boolean {
    const last = this.#pending.get(keyOf(name))?.at(-1);
    return last !== undefined && last.batch !== batch;
  }

  /** `value` undefined takes the name away. */
  change(name: string, value: T | undefined, batch: number): Change {
    const key = keyOf(name);
    const changes = this.#pending.get(key) ?? [];
    this.#pending.set(key, changes);
    const change = { value, batch };
    const bytes = this.#size(value);
    this.#pendingBytes += bytes;
    changes.push(change);
    const settle = () => {
      this.#pendingBytes -= bytes;
      changes.splice(changes.indexOf(change), 1);
      if (changes.length === 0) this.#pending.delete(key);
    };
    return {
      done: () => {
        settle();
        if (change.value === undefined) this.delete(name);
        else this.set(name, change.value);
      },
      undo: settle,
    };
  }

  /** The server has it now. */
  set(name: string, value: T): void {
    this.delete(name);
    this.#knownBytes += this.#size(value);
    this.#known.set(keyOf(name), value);
  }

  /** The server no longer has it; changes that follow are its own affair. */
  delete(name: string): void {
    const key = keyOf(name);
    this.#knownBytes -= this.#size(this.#known.get(key));
    this.#known.delete(key);
  }

  clear(): void {
    this.#knownBytes = 0;
    this.#known.clear();
  }

  /** All but the unnamed one: DEALLOCATE ALL and DISCARD ALL leave that alone. */
  clearNamed(): void {
    const unnamed = this.#known.get('');
    this.clear();
    if (unnamed !== undefined) this.set('', unnamed);
  }

  /** From here on the name is not known, whatever is still on its way. */
  forget(name: string): void {
    this.delete(name);
    for (const change of this.#pending.get(keyOf(name)) ?? []) change.value = undefined;
  }
}

const NAME_BYTES = 63;

/** The server tells names apart by their first 63 bytes (NAMEDATALEN): two longer ones may be the same statement. */
function keyOf(name: string): string {
  if (name.length * 3 <= NAME_BYTES || Buffer.byteLength(name) <= NAME_BYTES) return name;
  // Cut inside a character a name is no text any more; as single bytes it equals no other.
  return Buffer.from(name).toString('latin1', 0, NAME_BYTES);
}

const ENTRY_BYTES = 2_000;

/** The session's names: one space for prepared statements, one for portals and cursors. */
export class SessionNames {
  readonly statements = new NameTable<PreparedStatement>(
    ({ sql, judgement }) => (sql.length + (judgement.forward?.text.length ?? 0)) * 2 + ENTRY_BYTES,
  );
  readonly portals = new NameTable<Portal>(({ parameters }) =>
    parameters.reduce((sum, { value }) => sum + 100 + (value?.length ?? 0) * 2, ENTRY_BYTES),
  );
  /** Cursors, and the DECLARE that made them as it was judged: their rows are judged by its text. */
  readonly cursors = new Map<string, JudgedStatement>();

  /** A simple Query destroys the unnamed statement and portal. */
  dropUnnamed(batch: number): readonly Change[] {
    return [this.statements.change('', undefined, batch), this.portals.change('', undefined, batch)];
  }

  /** Portals do not outlive their transaction. Those still on their way belong to the next one. */
  endTransaction(): void {
    this.portals.clear();
  }

  closePortal(name: string): void {
    this.portals.delete(name);
    this.cursors.delete(name);
  }

  closeAll(): void {
    this.portals.clear();
    this.cursors.clear();
  }

  discardAll(): void {
    this.statements.clearNamed();
    this.portals.clear();
    this.cursors.clear();
  }
}
