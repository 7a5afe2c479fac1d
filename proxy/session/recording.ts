import { newId } from '../../db/ids';
import type { StatementStatus } from '../../db/schema/shapes';
import { newPart, type SharedPart } from '../journal/definitions';
import type { JournalEntry } from '../journal/entries';
import type { Shared } from '../journal/write';
import type { JudgedStatement } from '../policy/judge';
import { notRecorded, type WireError } from '../wire/errors';
import { approvalOf, type Execution, intentOf, outcomeOf, recordedAs, type SessionFacts } from './execution';
import type { Session } from './session';
import { type EndedBlock, TransactionBlocks } from './transactionBlocks';
import { TransactionWork } from './transactionWork';

/** What a session says to the record: what is about to run, what became of it, and what its transactions and the session itself came to. */
export class Recording {
  readonly #session: Session;
  readonly #work = new TransactionWork();
  readonly #blocks = new TransactionBlocks(() => newId('txn'));
  /** The runs that made names of the session's, by what they were judged as. */
  readonly #makers = new WeakMap<JudgedStatement, string>();
  #statements = 0;
  #opened = false;
  #part: SharedPart & { of: SessionFacts['principal'] };

  constructor(session: Session) {
    this.#session = session;
    this.#part = { ...newPart(), of: session.facts.principal };
  }

  /** Told once, when the client has what it needs to begin. @throws Error when it cannot be recorded */
  opened(how: { method: string; encrypted: boolean }): void {
    const { facts } = this.#session;
    this.#session.services.record({
      type: 'sessionOpen',
      id: facts.id,
      atMs: Date.now(),
      principalName: facts.principal.name,
      ownerName: facts.principal.owner?.name ?? null,
      connectionName: facts.connectionName,
      clientAddress: facts.clientAddress,
      applicationName: facts.applicationName,
      ...(facts.identity == null ? {} : { identity: facts.identity }),
      ...how,
    });
    this.#opened = true;
  }

  /**
   * Records what is about to run. @throws WireError 58000 when it cannot be recorded: it must not run.
   */
  begin(
    executions: readonly Execution[],
    view: { policy: { version: number } },
    status: StatementStatus,
    sqlstate: string | null = null,
  ): void {
    const now = { atMs: Date.now(), policyVersion: view.policy.version, transactionStatus: this.#session.protocol.status };
    for (const execution of executions) {
      execution.runOf ??= this.#madeBy(execution);
      try {
        this.#session.services.record(
          intentOf(execution, this.#session.facts, { ...now, transactionId: this.#blockOf(execution, status) }, status, sqlstate),
          this.#sharedBy(execution),
        );
      } catch (cause) {
        for (const written of executions) this.end(written, 'skipped');
        throw refusedBy(cause);
      }
    }
    this.#statements += executions.length;
    this.#waitForRecord();
  }

  /** Held statements go on their way together. @throws WireError 58000 when that cannot be recorded: none of them may run */
  released(...executions: readonly Execution[]): void {
    for (const execution of executions) {
      this.#blockOf(execution, 'running');
      try {
        this.#session.services.record({
          type: 'outcome',
          id: execution.id,
          status: 'running',
          waitMs: execution.waitMs,
          ...approvalOf(execution),
        });
      } catch (cause) {
        for (const held of executions) this.end(held, 'skipped');
        throw refusedBy(cause);
      }
    }
    this.#waitForRecord();
  }

  /** The rows of it that have left since it was last asked. */
  rows(execution: Execution): void {
    const rows = execution.recording?.take() ?? null;
    if (rows === null) return;
    const { name } = this.#session.facts.principal;
    this.#quietly({ type: 'result', id: execution.id, principalName: name, atMs: Date.now(), ...rows });
  }

  /** Records what became of it. A journal that is full now has the intent; the outcome stays unknown rather than ending the session. */
  end(execution: Execution, status: StatementStatus, sqlstate: string | null = null): void {
    this.#session.unsettled.delete(execution);
    const entry = outcomeOf(execution, status, Date.now(), sqlstate);
    if (entry === null) return;
    this.rows(execution);
    execution.recording = null;
    // Rows that did not leave are those it changed.
    if (execution.bytes > 0) this.#session.services.usage()?.returned(execution.rows);
    this.#quietly(entry);
  }

  /** It made a name of the session's. */
  named(execution: Execution): void {
    this.#makers.set(execution.judged, execution.id);
  }

  /** A statement is done and stands as far as its transaction does. `tag` is PostgreSQL's own word. */
  completed(execution: Execution, tag: string): void {
    this.#undone(this.#work.done(execution, tag));
    const block = this.#blocks.done(tag, execution.judged.facts.commands);
    if (block !== null) this.#blocksEnded([block]);
  }

  /** The server said no: an implicit transaction ends in a rollback. */
  failed(): void {
    this.#work.failed();
  }

  /** ReadyForQuery. */
  ready(): void {
    this.#undone(this.#work.ready(this.#session.protocol.status));
    if (this.#session.protocol.owed === 0) this.#blocksEnded(this.#blocks.atRest(this.#session.protocol.status));
  }

  /** The session is over: everything that began has an end. */
  closed(reason: string): void {
    const { protocol, counting } = this.#session;
    // With something on its way, a COMMIT perhaps, nobody knows.
    const known = protocol.owed === 0;
    if (known) this.#undone(this.#work.closed());
    const blocks = this.#blocks.closed(known);
    for (const execution of protocol.drain()) this.end(execution, 'unknown');
    // It was done, but not yet let stand: the server rolls it back.
    if (counting !== null) {
      counting.recording?.drop();
      this.end(counting, 'rolledBack');
    }
    this.#blocksEnded(blocks);
    this.#sayClosed(reason);
  }

  /** What is forwarded from here on leaves when all that was recorded so far is in the journal; where that fails, it never does. */
  #waitForRecord(): void {
    this.#session.toUpstream.bar();
    this.#session.services.whenRecorded(this.#recorded);
  }

  readonly #recorded = (error: Error | null) => {
    if (error === null) {
      const wasFull = this.#session.toUpstream.full;
      this.#session.toUpstream.lift();
      if (wasFull) this.#session.pump();
      return;
    }
    this.#session.toUpstream.drop();
    this.#session.fail(refusedBy(error), 'what it sent could not be recorded');
  };

  /** The transaction block it is in. */
  #blockOf({ judged }: Execution, status: StatementStatus): string | null {
    const atRest = this.#session.protocol.owed === 0 ? this.#session.protocol.status : null;
    return status === 'running' ? this.#blocks.forwarded(judged.facts.commands, atRest) : this.#blocks.of(atRest);
  }

  /** The run that made the name which it executes or fetches from. */
  #madeBy({ judged }: Execution): string | null {
    const effect = judged.facts.session;
    if (effect?.type !== 'execute' && effect?.type !== 'fetch') return null;
    const { names } = this.#session.protocol;
    const made = effect.type === 'execute' ? names.statements.get(effect.name)?.judgement.statements[0] : names.cursors.get(effect.name);
    return (made === undefined ? undefined : this.#makers.get(made)) ?? null;
  }

  /** The parts of its entries that others have too. The principal is read again when the policy changes. */
  #sharedBy({ judged }: Execution): Shared {
    const { principal } = this.#session.facts;
    if (this.#part.of !== principal) this.#part = { ...newPart(), of: principal };
    return { session: this.#part, statement: recordedAs(judged) };
  }

  /** Their transaction was rolled back: they ran, and nothing of it stands. */
  #undone(executions: readonly Execution[]): void {
    for (const { id } of executions) this.#quietly({ type: 'outcome', id, status: 'rolledBack' });
  }

  #blocksEnded(blocks: readonly EndedBlock[]): void {
    for (const block of blocks) this.#quietly({ type: 'transaction', ...block, sessionId: this.#session.facts.id, atMs: Date.now() });
  }

  #sayClosed(reason: string): void {
    if (!this.#opened) return;
    this.#quietly({
      type: 'sessionClose',
      id: this.#session.facts.id,
      atMs: Date.now(),
      reason,
      statements: this.#statements,
      bytesIn: this.#session.bytesIn,
      bytesOut: this.#session.client.bytesWritten,
    });
  }

  #quietly(entry: JournalEntry): void {
    try {
      this.#session.services.record(entry);
    } catch (error) {
      this.#session.services.logError(this.#session.services.newErrorId(), error);
    }
  }
}

/** In words that say why and nothing of what was to be recorded. */
const refusedBy = (cause: unknown): WireError =>
  notRecorded(cause instanceof Error && 'code' in cause ? `The journal refused: ${String(cause.code)}.` : 'The journal refused.');
