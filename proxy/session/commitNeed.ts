import { randomBytes } from 'node:crypto';
import type { HeldTransaction, RelationUse } from '../../db/schema/shapes';
import { strictestOf, triedTogether } from '../approvals/together';
import type { JudgedStatement } from '../policy/judge';
import type { PolicySnapshot } from '../policy/types';
import { type CounterRow, rowsBetween, TABLE_COUNTERS_SQL } from '../preview/counters';
import { Frontend } from '../wire/messages';
import { ask } from './ask';
import { type Execution, newExecution } from './execution';
import type { Session } from './session';

const SYNC = Buffer.from([Frontend.sync, 0, 0, 0, 4]);
/** Statements of one transaction that a reviewer is shown; the rest is counted. */
const MOST_SHOWN = 200;

/** The counters of all tables in one cell. */
const COUNTERS_IN_ONE_CELL = `SELECT COALESCE(pg_catalog.json_agg(t), '[]')::pg_catalog.text FROM (${TABLE_COUNTERS_SQL}) t`;

/** The statements of the open transaction that may run now, and stand only when a person has approved its COMMIT. */
export class CommitNeed {
  readonly #session: Session;
  /** What ran in the open transaction, in order. */
  #statements: Execution[] = [];
  #more = 0;
  #needing: JudgedStatement[] = [];
  #before: readonly CounterRow[] = [];
  #tables: HeldTransaction['tables'] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  get pending(): boolean {
    return this.#needing.length > 0;
  }

  /** The transaction is over. */
  clear(): void {
    this.#statements = [];
    this.#needing = [];
    this.#more = 0;
    this.#tables = [];
  }

  /**
   * True when what is held may run now because its rules hold the COMMIT: all that is held in it says so, none of it begins or ends a
   * transaction, and the client's own transaction is open, which only the server's last answer tells. Otherwise it is held as any other.
   */
  async takes(executions: readonly Execution[]): Promise<boolean> {
    const session = this.#session;
    const { protocol } = session;
    const held = executions.filter(({ judged }) => judged.verdict.action === 'hold');
    if (held.length === 0 || !held.every(({ judged }) => judged.verdict.approval?.at === 'commit')) return false;
    if (executions.some(({ judged }) => judged.facts.effects.has('transaction'))) return false;
    if (protocol.owed > 0) {
      session.askForAnswers();
      await session.whenAnswered();
    }
    if (session.closed || protocol.skipping || protocol.statusUnsure || protocol.status !== 'T') return false;
    if (!this.pending) this.#before = await this.#counters();
    // The question itself may have failed.
    if (session.closed || protocol.status !== 'T') return false;
    this.#needing.push(...held.map(({ judged }) => judged));
    return true;
  }

  /** A statement goes to the server: if its transaction comes to need approval, the reviewer sees it. */
  ran(execution: Execution, policy: PolicySnapshot): void {
    const { effects } = execution.judged.facts;
    if ((!this.pending && !holdsCommits(policy)) || (effects.size === 1 && effects.has('transaction'))) return;
    if (this.#statements.length < MOST_SHOWN) this.#statements.push(execution);
    else this.#more++;
  }

  /** Whether a text would make the transaction stand. */
  isCommit(executions: readonly Execution[]): boolean {
    return this.pending && executions.some(({ judged }) => judged.facts.commands.includes('COMMIT'));
  }

  /** PREPARE TRANSACTION would let another session commit it. */
  isPrepared(executions: readonly Execution[]): boolean {
    return this.pending && executions.some(({ judged }) => judged.facts.commands.includes('PREPARE TRANSACTION'));
  }

  /** Reads what the transaction has changed, before its COMMIT is held. False: it has failed, and a COMMIT takes it back. */
  async settle(): Promise<boolean> {
    const session = this.#session;
    const { protocol } = session;
    if (protocol.owed > 0) {
      session.askForAnswers();
      await session.whenAnswered();
    }
    if (session.closed || protocol.skipping) return false;
    this.#tables = [];
    // Where the batch itself began or ended a transaction, a question of ours would end what it began.
    if (protocol.statusUnsure) return true;
    if (protocol.status === 'E') return false;
    if (protocol.status === 'I') return true;
    const now = await this.#counters();
    // The question is answered by a status of its own.
    if (session.closed || session.protocol.status === 'E') return false;
    this.#tables = rowsBetween(this.#before, now).map(({ table, inserted, updated, deleted }) => ({ table, inserted, updated, deleted }));
    return true;
  }

  /** The COMMIT as it is held: by the strictest of what its statements, and those that stand in one text with it, ask for. */
  held(executions: readonly Execution[]): Execution[] {
    const needing = [...this.#needing, ...executions.map(({ judged }) => judged).filter(({ verdict }) => verdict.action === 'hold')];
    const [first] = needing;
    if (first === undefined) return [...executions];
    const { verdict } = first;
    const why = `its transaction has ${needing.length === 1 ? 'a statement' : `${needing.length} statements`} to be approved at COMMIT: ${verdict.why}`;
    const approval = strictestOf(needing.flatMap((judged) => judged.verdict.approval ?? []));
    const tried = triedTogether(needing.map((judged) => judged.verdict.tried));
    return executions.map(({ judged, protocol, parameters, analysisMs }) =>
      newExecution(
        {
          ...judged,
          verdict: {
            ...judged.verdict,
            action: 'hold',
            rule: verdict.rule,
            decidedBy: verdict.decidedBy,
            why,
            approval,
            tried,
          },
        },
        { protocol, parameters, analysisMs },
      ),
    );
  }

  /** What the reviewer sees of the transaction. */
  get shown(): HeldTransaction {
    const needing = new Set(this.#needing);
    return {
      statements: this.#statements.map(({ judged, ended, rows }) => ({
        sql: judged.facts.text,
        rule: needing.has(judged) ? judged.verdict.rule : null,
        rows: ended ? rows : null,
      })),
      more: this.#more,
      tables: this.#tables,
    };
  }

  /** What the COMMIT makes stand, statements and rows, as its request shows it and is bound to it: another count is another request. */
  get texts(): string[] {
    const ran = this.#statements.map(({ judged, parameters }) =>
      parameters.length === 0 ? judged.facts.text : `${judged.facts.text} with ${JSON.stringify(parameters.map(({ value }) => value))}`,
    );
    const more = this.#more === 0 ? [] : [`and ${this.#more} more statements`];
    const changed = this.#tables.map(
      ({ table, inserted, updated, deleted }) => `changed ${table}: ${inserted} inserted, ${updated} updated, ${deleted} deleted`,
    );
    return [...ran, ...more, ...changed];
  }

  /**
   * What its digest has besides the shown: nothing where that is all there is. Statements that are only counted and parameters that are cut
   * could be others in another transaction, so that such a request is never found again.
   */
  get unshown(): Buffer {
    const cut = this.#statements.some(({ parameters }) => parameters.some(({ truncated }) => truncated === true));
    return cut || this.#more > 0 ? randomBytes(16) : Buffer.alloc(0);
  }

  /** What the whole transaction is, for the request. */
  get summary(): { relations: RelationUse[]; effects: string[]; unbounded: boolean } {
    const judged = this.#statements.map((execution) => execution.judged);
    const uses = judged.flatMap(({ relations }) => relations);
    return {
      relations: [...new Map(uses.map((use) => [`${use.access} ${use.name}`, use])).values()],
      effects: [...new Set(judged.flatMap(({ facts }) => [...facts.effects]))],
      unbounded: judged.some(({ facts }) => facts.unboundedWrites.length > 0),
    };
  }

  /** Takes the transaction back at the server, unseen by the client. */
  async rollBack(): Promise<void> {
    const session = this.#session;
    if (session.closed) return;
    ask(session, 'ROLLBACK', () => undefined);
    session.askForAnswers();
    await session.whenAnswered();
    this.clear();
  }

  async #counters(): Promise<CounterRow[]> {
    const session = this.#session;
    let rows: CounterRow[] = [];
    ask(session, COUNTERS_IN_ONE_CELL, (cell) => {
      rows = JSON.parse(cell ?? '[]') as CounterRow[];
    });
    session.protocol.sentRest();
    session.toUpstream.append(SYNC);
    session.toUpstream.flush();
    await session.whenAnswered();
    return rows;
  }
}

const holding = new WeakMap<PolicySnapshot, boolean>();

/** Whether some rule holds COMMITs: only then is what a transaction runs kept for its reviewer. */
function holdsCommits(policy: PolicySnapshot): boolean {
  const known = holding.get(policy);
  if (known !== undefined) return known;
  const holds = policy.rules.some(({ approval, mode }) => approval?.at === 'commit' && mode === 'enforce');
  holding.set(policy, holds);
  return holds;
}
