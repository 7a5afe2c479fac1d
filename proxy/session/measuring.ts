import { CHANGED_ROWS_SQL, changedRows, readChangedRows } from '../limits/rowCount';
import { exceededLimit } from '../policy/affected';
import type { AffectedLimit } from '../policy/types';
import { affectedNotCounted, countedResultTooLarge, statementNotAnalyzed, tooManyAffected } from '../wire/errors';
import { ask } from './ask';
import type { Execution, Measured } from './execution';
import type { Portal } from './names';
import { MAX_HELD_BYTES } from './out';
import type { Session } from './session';

/** What a counted run came to. */
export type Outcome =
  | { kind: 'stands' }
  /** The server failed it; its error is shown, and what follows up to the Sync is ignored. */
  | { kind: 'failed' }
  /** It is still there and must not stand. */
  | { kind: 'exceeded'; limit: AffectedLimit; rows: number };

/**
 * Runs that stand only within a limit on the rows they change. The server is asked for its own count right before and right behind the
 * run, in the same transaction; the result is held back until the answer is there. Above the limit the caller makes the server fail at this
 * very place (proxy/session/refusals.ts), so that it rolls back exactly what a failed statement takes with it: an implicit transaction, or
 * an explicit one up to the client's own savepoint.
 */
export class Measuring {
  readonly #session: Session;
  /** Rows that earlier Executes of a portal have changed: many small ones are one large one. */
  readonly #soFar = new WeakMap<Portal, { counted: number; tagged: number }>();

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * @param send sends the run, and nothing behind it
   * @throws WireError to answer with, in place of the result
   */
  async run(execution: Execution, portal: Portal | null, send: () => void): Promise<'stands' | 'failed'> {
    const outcome = await this.measure(execution, portal, send);
    if (outcome.kind !== 'exceeded') return outcome.kind;
    const { limit, rows } = outcome;
    throw tooManyAffected({ ...limit, statementId: execution.id, rows });
  }

  /** As run(), for a caller that has something else to say of too many rows. */
  async measure(execution: Execution, portal: Portal | null, send: () => void): Promise<Outcome> {
    const session = this.#session;
    const { protocol, toClient } = session;
    if (execution.judged.facts.commands.includes('COPY FROM'))
      throw statementNotAnalyzed('The rows that COPY brings cannot be counted while it reads them; use INSERT');
    const measured: Measured = { before: null, after: null, tag: null };
    execution.measured = measured;
    session.counting = execution;
    ask(session, CHANGED_ROWS_SQL, (cell) => {
      measured.before = readChangedRows(cell);
      toClient.hold();
    });
    send();
    ask(session, CHANGED_ROWS_SQL, (cell) => {
      measured.after = readChangedRows(cell);
    });
    session.askForAnswers();
    await session.whenAnswered();
    session.counting = null;
    if (session.closed || execution.ended || protocol.skipping) {
      // The question behind it failed: it ran, and is rolled back.
      if (!session.closed) session.record.end(execution, 'rolledBack');
      return { kind: 'failed' };
    }
    return this.#weigh(execution, measured, portal);
  }

  #weigh(execution: Execution, measured: Measured, portal: Portal | null): Outcome {
    const session = this.#session;
    const changed = changedRows({ ...measured, tagRows: execution.rows });
    if (changed.kind === 'unknown') {
      this.#taken(execution);
      throw affectedNotCounted(execution.id, execution.affectedLimits[0]?.rule ?? '', changed.why);
    }
    const before = (portal === null ? undefined : this.#soFar.get(portal)) ?? { counted: 0, tagged: 0 };
    const total = { counted: before.counted + changed.counted, tagged: before.tagged + changed.tagged };
    if (portal !== null) this.#soFar.set(portal, total);
    const rows = Math.max(total.counted, total.tagged);
    const limit = exceededLimit(execution.affectedLimits, rows);
    if (limit !== null) {
      this.#taken(execution, rows);
      return { kind: 'exceeded', limit, rows };
    }
    if (session.toClient.overflowed) {
      this.#taken(execution);
      throw countedResultTooLarge(execution.id, MAX_HELD_BYTES);
    }
    session.toClient.release();
    if (execution.cut !== null) {
      // The client has its error; what the statement changed goes with the result.
      session.record.end(execution, 'rolledBack', execution.cut.fields.sqlstate);
      throw execution.cut;
    }
    session.record.end(execution, 'done', execution.withheld ? '42501' : null);
    if (measured.tag !== null) session.record.completed(execution, measured.tag);
    return { kind: 'stands' };
  }

  /** It ran, and is rolled back: the record has the rows it would have changed. */
  #taken(execution: Execution, rows?: number): void {
    this.#session.toClient.discard();
    execution.recording?.drop();
    if (rows !== undefined) execution.rows = rows;
    this.#session.record.end(execution, 'rolledBack', '42501');
  }
}
