import { decodeText } from '../wire/frontend';
import { withPrepared } from './effective';
import { type Execution, newExecution } from './execution';
import type { Judging } from './judging';
import { queryBytes } from './rewritten';
import type { Session, SessionView } from './session';
import type { Stepwise } from './stepwise';
import type { Verdicts } from './verdicts';

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
    return this.#judging.withNames(sql, (view) => this.#run(bytes, sql, view));
  }

  #run(bytes: Buffer, sql: string, view: SessionView): void | Promise<void> {
    if (this.#judging.usesNames(sql, view))
      return this.#judging.whenAnswered(() => this.#judging.withView((now) => this.#run(bytes, sql, now)));
    const { effective, analysisMs } = this.#judging.effective(sql, view);
    const executions = effective.statements.map((judged) => newExecution(judged, { protocol: 'simple', parameters: [], analysisMs }));
    this.#verdicts.followNames(executions);
    const steps = effective.action !== 'deny' && this.#stepwise.needed(executions, view);
    const forward = () => {
      if (steps) return this.#stepwise.run(effective.forward?.text ?? sql, executions, view);
      return this.#forward(queryBytes(bytes, effective), executions, view);
    };
    switch (effective.action) {
      case 'deny':
        return this.#verdicts.deny(sql, effective, view, 'simple');
      case 'hold':
        return this.#verdicts.hold(withPrepared(sql, effective.runs), executions, view).then((error) => {
          if (error === 'skipped') return;
          if (error !== null) throw error;
          for (const execution of executions) this.#session.released(execution);
          return forward();
        });
      case 'allow':
        this.#session.begin(executions, view, 'running');
        return forward();
      default:
        effective.action satisfies never;
    }
  }

  #forward(bytes: Buffer, executions: readonly Execution[], view: SessionView): void {
    const session = this.#session;
    for (const execution of executions) this.#verdicts.mark(execution, view);
    session.protocol.sentQuery(executions);
    session.toUpstream.append(bytes);
  }
}
