import { DEFAULT_APPROVAL } from '../policy/approval';
import { WireError } from '../wire/errors';
import { decodeText } from '../wire/frontend';
import { type Effective, withPrepared } from './effective';
import { type Execution, newExecution } from './execution';
import type { Judging } from './judging';
import { queryBytes } from './rewritten';
import type { Session, SessionView } from './session';
import type { Exceeded, Stepwise } from './stepwise';
import type { Verdicts } from './verdicts';

interface Judged {
  effective: Effective;
  executions: readonly Execution[];
  view: SessionView;
}

/** Simple query: one text of any number of statements, all of them judged before any is sent; one denied denies the whole text. */
export class SimpleQuery {
  readonly #session: Session;
  readonly #judging: Judging;
  readonly #verdicts: Verdicts;
  readonly #stepwise: Stepwise;

  constructor(session: Session, judging: Judging, verdicts: Verdicts, stepwise: Stepwise) {
    this.#session = session;
    this.#judging = judging;
    this.#verdicts = verdicts;
    this.#stepwise = stepwise;
  }

  query(bytes: Buffer): void | Promise<void> {
    const sql = decodeText(bytes);
    return this.#judging.withNames(sql, (view) => this.#judge(bytes, sql, view));
  }

  #judge(bytes: Buffer, sql: string, view: SessionView): void | Promise<void> {
    if (this.#judging.usesNames(sql, view))
      return this.#judging.whenAnswered(() => this.#judging.withView((now) => this.#judge(bytes, sql, now)));
    const { effective, analysisMs } = this.#judging.effective(sql, view);
    const executions = effective.statements.map((judged) => newExecution(judged, { protocol: 'simple', parameters: [], analysisMs }));
    this.#verdicts.followNames(executions);
    if (effective.action !== 'deny') this.#needsSteps(executions, view);
    const forward = () => this.#run(bytes, sql, { effective, executions, view });
    const decided = () => this.#decided(sql, { bytes, effective, executions, view }, forward);
    const admitted = effective.action === 'deny' ? undefined : this.#verdicts.admit(executions, view);
    return admitted === undefined ? decided() : admitted.then(() => (this.#session.closed ? undefined : decided()));
  }

  #decided(sql: string, judged: Judged & { bytes: Buffer }, forward: () => void | Promise<void>): void | Promise<void> {
    const { effective, executions, view, bytes } = judged;
    const { commitNeed } = this.#session;
    if (effective.action !== 'deny') this.#verdicts.refusePrepared(executions, view);
    if (effective.action !== 'deny' && commitNeed.isCommit(executions))
      return this.#verdicts.holdCommit(sql, executions, view).then((held) => {
        if (held !== 'skipped') return this.#run(bytes, sql, { effective, executions: held, view });
      });
    switch (effective.action) {
      case 'deny':
        return this.#verdicts.deny(sql, effective, view, 'simple');
      case 'hold':
        return commitNeed
          .takes(executions)
          .then((taken) => (taken ? this.#unheld(executions, view, forward) : this.#held(sql, judged, forward)));
      case 'allow':
        this.#session.record.begin(executions, view, 'running');
        return forward();
      default:
        effective.action satisfies never;
    }
  }

  /** It runs at once, inside a transaction whose COMMIT will wait. */
  #unheld(executions: readonly Execution[], view: SessionView, forward: () => void | Promise<void>): void | Promise<void> {
    this.#session.record.begin(executions, view, 'running');
    return forward();
  }

  async #held(sql: string, { effective, executions, view }: Judged, forward: () => void | Promise<void>): Promise<void> {
    const error = await this.#verdicts.hold(withPrepared(sql, effective.runs), executions, view);
    if (error === 'skipped') return;
    if (error !== null) throw error;
    this.#session.record.released(...executions);
    await forward();
  }

  #run(bytes: Buffer, sql: string, judged: Judged): void | Promise<void> {
    const { effective, executions, view } = judged;
    if (!this.#needsSteps(executions, view)) return this.#forward(queryBytes(bytes, effective), executions, view);
    return this.#stepwise
      .run(effective.forward?.text ?? sql, executions, view)
      .then((exceeded) => (exceeded === null ? undefined : this.#ask(bytes, sql, judged, exceeded)));
  }

  /** It changed more than its rule lets it without a person, and was taken back: now it is held, and runs again when it is approved. */
  async #ask(bytes: Buffer, sql: string, { effective, executions, view }: Judged, { limit, rows }: Exceeded): Promise<void> {
    const again = executions.map((execution) => {
      const { judged, analysisMs } = execution;
      const why = `it changed ${rows} rows when it was tried, and was rolled back; the rule asks for approval above ${limit.max}`;
      const { affectedLimits, ...verdict } = judged.verdict;
      const held = newExecution(
        {
          ...judged,
          verdict: { ...verdict, action: 'hold', rule: limit.rule, decidedBy: 'rule', why, approval: limit.approval ?? DEFAULT_APPROVAL },
        },
        { protocol: 'simple', parameters: [], analysisMs },
      );
      held.exceeded = true;
      held.affectedLimits = (affectedLimits ?? []).filter(({ action }) => action === 'deny');
      return held;
    });
    const error = await this.#verdicts.hold(withPrepared(sql, effective.runs), again, view);
    if (error === 'skipped') return;
    if (error !== null) throw error;
    this.#session.record.released(...again);
    this.#verdicts.followNames(again);
    await this.#run(bytes, sql, { effective, executions: again, view });
  }

  /** @throws WireError, recorded, where a text would have to go statement by statement and cannot */
  #needsSteps(executions: readonly Execution[], view: SessionView): boolean {
    try {
      return this.#stepwise.needed(executions, view);
    } catch (error) {
      throw error instanceof WireError ? this.#verdicts.refused(executions, view, error) : error;
    }
  }

  #forward(bytes: Buffer, executions: readonly Execution[], view: SessionView): void {
    const session = this.#session;
    for (const execution of executions) this.#verdicts.mark(execution, view);
    session.protocol.sentQuery(executions);
    session.toUpstream.append(bytes);
  }
}
