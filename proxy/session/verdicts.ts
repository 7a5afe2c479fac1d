import type { Usage } from '../limits/usage';
import type { JudgedStatement, Judgement } from '../policy/judge';
import { isDriverSetup } from '../policy/setup';
import { judgeUnparsed } from '../policy/unparsed';
import { preparedNotApproved, statementNotAnalyzed, transactionRolledBack, WireError } from '../wire/errors';
import { Frontend } from '../wire/messages';
import { judgedError } from './denial';
import { withPrepared } from './effective';
import { type Execution, newExecution } from './execution';
import { HeldStatement } from './held';
import { type Judging, UnparsedText } from './judging';
import { placeOf } from './place';
import { ResultRecording } from './resultRecording';
import { readsAsBefore } from './rewritten';
import type { Session, SessionView } from './session';

/** What a verdict does: a denial is recorded, a hold waits for its person, a run leaves its marks on the session. */
export class Verdicts {
  readonly #session: Session;
  readonly #judging: Judging;
  readonly #onHold: () => void;
  #held: HeldStatement | null = null;

  constructor(session: Session, judging: Judging, onHold: () => void) {
    this.#session = session;
    this.#judging = judging;
    this.#onHold = onHold;
  }

  /** The statement that waits for a person now. */
  get held(): HeldStatement | null {
    return this.#held;
  }

  /** SQL PREPARE gives a name only once the server says it did. */
  followNames(executions: readonly Execution[]): void {
    const { names } = this.#session.protocol;
    for (const execution of executions) {
      const effect = execution.judged.facts.session;
      if (effect?.type !== 'prepare') continue;
      const { facts, rewritten } = execution.judged;
      const { text } = facts;
      execution.onComplete = () => {
        this.#session.record.named(execution);
        names.statements.set(effect.name, {
          name: effect.name,
          sql: text,
          bySql: true,
          parameterTypes: [],
          judgement: {
            statements: [execution.judged],
            action: execution.judged.verdict.action,
            ...(rewritten === undefined ? {} : { forward: rewritten.whole }),
          },
          columns: null,
        });
      };
    }
  }

  mark(execution: Execution, view: SessionView): void {
    execution.startedMs = performance.now();
    this.#session.ownSettings.follow(execution.judged);
    this.#session.commitNeed.ran(execution, view.policy);
    const { maxRows, maxBytes } = view.connection.limits ?? {};
    if (maxRows !== undefined) execution.maxRows = maxRows;
    if (maxBytes !== undefined) execution.maxBytes = maxBytes;
    const { record } = view.connection;
    if (record.results === 'masked') execution.recording = new ResultRecording(record.maxRows);
    const usage = this.#session.services.usage();
    if (usage !== null) withinBudget(execution, usage);
    const { session, effects, functions } = execution.judged.facts;
    if (session?.type === 'notify') this.#session.notifications.say(session.channel, session.payload);
    const setsPath = session?.type === 'set' && SETS_PATH.has(session.name);
    // A temporary relation stands in front of every schema.
    const shadows = effects.has('create') && !view.masks.empty && TEMPORARY.test(execution.judged.facts.text);
    if (setsPath || shadows || effects.has('opaque') || functions.some((called) => called.name === 'set_config'))
      this.#session.searchPathKnown = false;
    // Where nothing is restricted no verdict depends on the catalog, and nobody waits for it to be read again.
    execution.dirtiesCatalog = execution.judged.changesCatalog && !view.unrestricted;
    if (execution.dirtiesCatalog || (session !== null && NAMING.has(session.type))) this.#session.unsettled.add(execution);
    this.taint(execution.judged, view);
  }

  /**
   * Counts statements against the budgets of the principal; undefined where there is nothing to wait for.
   * @throws WireError, recorded, when one is used up
   */
  admit(executions: readonly Execution[], view: SessionView): undefined | Promise<void> {
    const usage = this.#session.services.usage();
    if (usage === null) return undefined;
    const counted = executions.filter(({ judged }) => !isDriverSetup(judged.facts)).length;
    if (counted === 0) return undefined;
    return usage.admit(counted, performance.now())?.catch((error: unknown) => {
      throw error instanceof WireError ? this.refused(executions, view, error) : error;
    });
  }

  /** From here to the end of the transaction the server's words may hold masked values. */
  taint(judged: Execution['judged'], view: SessionView): void {
    const session = this.#session;
    if (view.masks.empty) return;
    if (judged.facts.effects.has('opaque')) session.taint = 'opaque';
    else if (judged.touch.state !== 'clean' && session.taint === 'none') session.taint = 'masked';
  }

  denied(executions: readonly Execution[], view: SessionView): WireError {
    return this.refused(executions, view, judgedError(executions));
  }

  /** Recorded as denied, with the error the client gets. */
  refused(executions: readonly Execution[], view: SessionView, error: WireError): WireError {
    this.#session.record.begin(executions, view, 'denied', error.fields.sqlstate);
    for (const execution of executions) execution.ended = true;
    return error;
  }

  /** @throws UnparsedText where the server is asked for its own words first: one statement whose names or constructs could not be followed */
  deny(sql: string, judgement: Pick<Judgement, 'statements'>, view: SessionView, protocol: Execution['protocol']): never {
    const [judged] = judgement.statements;
    if (judgement.statements.length === 1 && judged?.touch.state === 'unresolved' && judged.touch.unfollowed === true)
      throw new UnparsedText(sql, judged.touch.reason, view, judged);
    throw this.denied(
      judgement.statements.map((each) => newExecution(each, { protocol, parameters: [], analysisMs: 0 })),
      view,
    );
  }

  /** A text that the server is asked about is recorded as denied; it never runs. */
  unparsed({ sql, message, view, judged }: UnparsedText, protocol: Execution['protocol']): WireError {
    if (judged !== null) return this.denied([newExecution(judged, { protocol, parameters: [], analysisMs: 0 })], view);
    const why = `Gatehouse's grammar does not take it: ${message}`;
    const execution = newExecution(judgeUnparsed(sql, why), { protocol, parameters: [], analysisMs: 0 });
    this.#session.record.begin([execution], view, 'denied', '42601');
    execution.ended = true;
    return statementNotAnalyzed(`${why}. The server may be newer than it`);
  }

  /**
   * Holds a text that would make a transaction stand whose statements need approval. The executions to run; 'skipped' when the server
   * ignores it. @throws WireError when it may not stand: the transaction is rolled back by then
   */
  async holdCommit(sql: string, executions: readonly Execution[], view: SessionView): Promise<readonly Execution[] | 'skipped'> {
    const session = this.#session;
    const { commitNeed } = session;
    const stands = await commitNeed.settle();
    if (session.closed || session.protocol.skipping) return 'skipped';
    if (!stands) {
      session.record.begin(executions, view, 'running');
      return executions;
    }
    const held = commitNeed.held(executions);
    const error = await this.hold(withPrepared(sql, commitNeed.texts), held, view, commitNeed.unshown);
    if (error === 'skipped') return 'skipped';
    if (error !== null) {
      await commitNeed.rollBack();
      throw transactionRolledBack(error);
    }
    commitNeed.clear();
    session.record.released(...held);
    return held;
  }

  /** @throws WireError for what would make such a transaction stand later, and elsewhere */
  refusePrepared(executions: readonly Execution[], view: SessionView): void {
    const [execution] = executions;
    if (execution !== undefined && this.#session.commitNeed.isPrepared(executions))
      throw this.refused(executions, view, preparedNotApproved(execution.id));
  }

  /** Null when it may run; an error to answer with; 'skipped' when something before it failed and the server ignores it. */
  async hold(
    sql: string,
    executions: readonly Execution[],
    view: SessionView,
    parameters: Uint8Array = NO_PARAMETERS,
  ): Promise<WireError | null | 'skipped'> {
    const session = this.#session;
    if (session.protocol.onlyParsed) {
      // The locks that parsing took would be in everybody's way for as long as a person thinks.
      session.protocol.sentRest();
      session.toUpstream.append(SYNC);
      session.toUpstream.flush();
    } else if (session.protocol.owed > 0) session.askForAnswers();
    if (session.protocol.owed > 0) await session.whenAnswered();
    if (session.protocol.skipping || session.closed) return 'skipped';
    const place = await placeOf(session, executions[0]?.protocol ?? 'simple');
    if (place === 'failed') return 'skipped';
    const state = await session.ownSettings.state();
    if (session.protocol.skipping || session.closed) return 'skipped';
    const held = new HeldStatement(session, sql, executions, { view, state, place, parameters });
    this.#held = held;
    this.#onHold();
    try {
      const error = await held.wait();
      if (error !== null || session.closed) return session.closed ? 'skipped' : error;
      // What was approved is judged again, by the catalog as it is now: a person took their time, and others did not stand still.
      if (session.services.mayBeMasked(session.facts))
        await session.services.refreshCatalog(session.facts.connectionName).catch(() => undefined);
      const now = await session.services.view(session.facts);
      // The client may have left while the catalog was read: approved or not, nothing runs for nobody.
      if (session.closed) {
        for (const execution of executions) session.record.end(execution, 'withdrawn');
        return 'skipped';
      }
      const again = this.#judging.effective(sql, now).effective;
      if (now.policy.version !== view.policy.version && !stillApproved(executions, again.statements)) {
        const changed = statementNotAnalyzed('The policy has changed while it was held; send it again.');
        for (const execution of executions) session.record.end(execution, 'denied', changed.fields.sqlstate);
        return changed;
      }
      const moved = executions.some(
        ({ judged }, i) =>
          (judged.touch.state === 'clean' && again.statements[i] !== undefined && again.statements[i].touch.state !== 'clean') ||
          !readsAsBefore(judged, again.statements[i]),
      );
      if (again.action !== 'deny' && !moved) return null;
      const refused =
        again.action === 'deny'
          ? judgedError(executions.map((execution, i) => ({ ...execution, judged: again.statements[i] ?? execution.judged })))
          : statementNotAnalyzed('What it reads has changed while it was held; send it again');
      for (const execution of executions) session.record.end(execution, 'denied', refused.fields.sqlstate);
      return refused;
    } finally {
      this.#held = null;
    }
  }
}

/** Whether an approval under an older policy is one that the policy of now would ask for: by the same rule, of no fewer people, as well confirmed. */
function stillApproved(executions: readonly Execution[], now: readonly JudgedStatement[]): boolean {
  return executions.every(({ judged }, i) => {
    const verdict = now[i]?.verdict;
    if (verdict === undefined || verdict.action !== 'hold') return true;
    const { approval } = judged.verdict;
    if (judged.verdict.action !== 'hold' || verdict.rule !== judged.verdict.rule || approval === null || verdict.approval === null)
      return false;
    const groups = (spec: typeof approval) => [...spec.groups].sort().join('\0');
    const confirmed = verdict.approval.passkey === undefined || approval.passkey === verdict.approval.passkey;
    return confirmed && verdict.approval.count <= approval.count && groups(verdict.approval) === groups(approval);
  });
}

/** A result ends where a budget of its principal does. */
function withinBudget(execution: Execution, usage: Usage): void {
  const { rowsLeft } = usage;
  if (rowsLeft < execution.maxRows) {
    execution.maxRows = rowsLeft;
    execution.cutBy = () => usage.cutWords('rows');
  }
  if (usage.countsMasked) execution.seen = usage;
}

const NO_PARAMETERS = Buffer.alloc(0);

const TEMPORARY = /temp/i;

const SYNC = Buffer.from([Frontend.sync, 0, 0, 0, 4]);

/** Settings that change what unqualified names mean; a role has a path of its own. */
const SETS_PATH: ReadonlySet<string> = new Set(['search_path', 'all', 'role', 'session_authorization']);
/** Effects on names that only the server's answer makes sure. */
const NAMING: ReadonlySet<string> = new Set(['prepare', 'deallocate', 'discard', 'declare', 'close']);
