import type { Effect } from '../sql/types';
import type { TransactionStatus } from '../wire/messages';
import type { Execution } from './execution';

/** Effects that a rollback takes back. Files written, programs run and notices sent stay. */
const UNDONE: readonly Effect[] = ['insert', 'update', 'delete', 'merge', 'truncate', 'create', 'alter', 'drop', 'grant', 'role', 'opaque'];
/** More than this of one transaction is not followed: the record then says that they ran, and not that they were taken back. */
const MAX_FOLLOWED = 10_000;

/**
 * The statements of the open transaction that changed something: when it is rolled back, explicitly, by an error inside an implicit
 * transaction or by the end of the session, the record says so of each. ROLLBACK TO is not followed. Pure.
 */
export class TransactionWork {
  #open: Execution[] = [];
  #failed = false;

  /** A statement was done; what its success took back. `tag` is PostgreSQL's own word: COMMIT of a failed transaction says ROLLBACK. */
  done(execution: Execution, tag: string): readonly Execution[] {
    const { facts } = execution.judged;
    if (tag === 'ROLLBACK' && facts.kind !== 'ROLLBACK TO') return this.#end(true);
    if (tag === 'COMMIT' || tag === 'PREPARE TRANSACTION') return this.#end(false);
    if (this.#open.length < MAX_FOLLOWED && UNDONE.some((effect) => facts.effects.has(effect))) this.#open.push(execution);
    return [];
  }

  /** An error was answered: an implicit transaction ends in a rollback. */
  failed(): void {
    this.#failed = true;
  }

  /** ReadyForQuery: outside a transaction, an implicit one has ended. What it took back. */
  ready(status: TransactionStatus): readonly Execution[] {
    const failed = this.#failed;
    this.#failed = false;
    return status === 'I' ? this.#end(failed) : [];
  }

  /** The session is over with nothing on its way: the server rolls back what was open. */
  closed(): readonly Execution[] {
    return this.#end(true);
  }

  #end(undone: boolean): readonly Execution[] {
    const open = this.#open;
    if (open.length === 0) return [];
    this.#open = [];
    return undone ? open : [];
  }
}
