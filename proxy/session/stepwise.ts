import { randomBytes } from 'node:crypto';
import { canBeCut, mayChangeAndReturn, returnsRows } from '../limits/resultShape';
import { statementNotAnalyzed, tooManyAffected, WireError } from '../wire/errors';
import { Frontend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { ask } from './ask';
import type { CostCheck } from './costCheck';
import type { Execution } from './execution';
import type { Measuring, Outcome } from './measuring';
import type { Session, SessionView } from './session';
import type { Verdicts } from './verdicts';

/** It ran, changed too much, and was taken back without the client's knowing: a person may be asked. */
export type Exceeded = Extract<Outcome, { kind: 'exceeded' }>;

const SYNC = Buffer.from([Frontend.sync, 0, 0, 0, 4]);
/** Texts larger than this, taken together, are sent without the blanks that make positions those of the whole text. */
const MAX_PADDED_BYTES = 4 * 1024 * 1024;

/**
 * A simple text whose outcome the gateway has to know before the server makes it stand. A Query ends in its own commit, so each of its
 * statements goes as Parse, Bind, Describe and Execute instead, and the Sync follows when all of them may stand: one implicit transaction,
 * as the text would have been. The client sees the messages of a Query.
 */
export class Stepwise {
  readonly #session: Session;
  readonly #measuring: Measuring;
  readonly #costs: CostCheck;
  readonly #verdicts: Verdicts;

  constructor(session: Session, measuring: Measuring, costs: CostCheck, verdicts: Verdicts) {
    this.#session = session;
    this.#measuring = measuring;
    this.#costs = costs;
    this.#verdicts = verdicts;
  }

  /**
   * Whether a text has to go statement by statement.
   * @throws WireError where it would have to and cannot
   */
  needed(executions: readonly Execution[], view: SessionView): boolean {
    const facts = executions.map(({ judged }) => judged.facts);
    const counted = executions.some(({ affectedLimits }) => affectedLimits.length > 0);
    const costed = executions.some(({ judged }) => this.#costs.limitOf(judged, view) !== null);
    const copiesIn = facts.some(({ commands }) => commands.includes('COPY FROM') && executions.length > 1);
    if ((counted || costed) && copiesIn)
      throw statementNotAnalyzed(
        'COPY FROM STDIN stands in one text with a statement whose rows or cost are limited; send the statements separately',
      );
    if (counted || costed) return true;
    if (!this.#mayBeCut(view) || copiesIn) return false;
    return facts.some((item, i) => returnsRows(item) && (i < facts.length - 1 || mayChangeAndReturn(item)));
  }

  #mayBeCut(view: SessionView): boolean {
    return canBeCut(view.connection.limits) || this.#session.services.usage()?.endsResults === true;
  }

  /** @param text as it goes to the server. @throws WireError to answer with: what ran of the text is rolled back */
  async run(text: string, executions: readonly Execution[], view: SessionView): Promise<Exceeded | null> {
    const { protocol, toUpstream } = this.#session;
    if (protocol.mayBeSkipping || (executions.length > 1 && protocol.owed > 0)) {
      // A Sync of ours would end the server's skipping, and a Query that PostgreSQL ignores would be answered.
      this.#session.askForAnswers();
      await this.#session.whenAnswered();
      if (protocol.skipping || this.#session.closed) {
        for (const execution of executions) this.#session.record.end(execution, 'skipped');
        return null;
      }
    }
    // Only where all that ran can be taken back without a trace may a person be asked and the text run again.
    const mayAsk = executions.length === 1 && protocol.atRest;
    protocol.dropUnnamed();
    const texts = textsOf(text, executions);
    // Several statements are one transaction block from the first on, which is what it must not run in then (VACUUM, DISCARD ALL). SHOW takes
    // no snapshot, so that the isolation level can still be set.
    if (executions.length > 1 && protocol.status === 'I' && protocol.owed === 0)
      ask(this.#session, 'SHOW transaction_isolation', () => undefined);
    let next = 0;
    try {
      for (const [i, execution] of executions.entries()) {
        if (protocol.skipping || this.#session.closed) break;
        next = i;
        const exceeded = await this.#step(execution, texts[i] ?? text, { last: i === executions.length - 1, mayAsk }, view);
        next = i + 1;
        if (exceeded !== null) return exceeded;
      }
    } finally {
      for (const execution of executions.slice(next)) if (!this.#sent.has(execution)) this.#session.record.end(execution, 'skipped');
    }
    if (this.#session.closed) return null;
    protocol.sentSync();
    toUpstream.append(SYNC);
    return null;
  }

  readonly #sent = new WeakSet<Execution>();

  async #step(
    execution: Execution,
    text: string,
    { last, mayAsk }: { last: boolean; mayAsk: boolean },
    view: SessionView,
  ): Promise<Exceeded | null> {
    const session = this.#session;
    const { facts } = execution.judged;
    const maxCost = this.#costs.limitOf(execution.judged, view);
    if (maxCost !== null && !(await this.#isCheap(execution, text, maxCost))) return null;
    const send = () => {
      this.#verdicts.mark(execution, view);
      this.#sent.add(execution);
      session.protocol.sentStep(execution, last);
      const writer = new MessageWriter().begin(Frontend.parse).cstring('').cstring(text).int16(0).end();
      writer.begin(Frontend.bind).cstring('').cstring('').int16(0).int16(0).int16(0).end();
      writer.begin(Frontend.describe).int8(0x50).cstring('').end();
      session.toUpstream.append(writer.begin(Frontend.execute).cstring('').int32(0).end().take());
    };
    if (execution.affectedLimits.length > 0) {
      const outcome = await this.#measuring.measure(execution, null, send);
      if (outcome.kind !== 'exceeded') return null;
      if (outcome.limit.action !== 'hold' || !mayAsk)
        throw tooManyAffected({ ...outcome.limit, statementId: execution.id, rows: outcome.rows });
      await this.#undo();
      return this.#session.closed ? null : outcome;
    }
    send();
    if (!this.#mayBeCut(view) || !returnsRows(facts) || (last && !mayChangeAndReturn(facts))) return null;
    session.askForAnswers();
    await session.whenAnswered();
    // The client was told already; this makes the server fail too.
    if (execution.cut !== null && !session.protocol.skipping && !session.closed) throw execution.cut;
    return null;
  }

  async #isCheap(execution: Execution, text: string, limit: number): Promise<boolean> {
    try {
      return await this.#costs.check(execution.judged, { text, limit, statementId: execution.id });
    } catch (error) {
      this.#session.record.end(execution, 'denied', error instanceof WireError ? error.fields.sqlstate : null);
      throw error;
    }
  }

  /** Rolls back what ran, unseen: the server fails at a name it does not have, and a Sync of ours ends that. */
  #undo(): Promise<void> {
    const { protocol, toUpstream } = this.#session;
    protocol.sentUndo();
    const nobody = `gatehouse undoes ${randomBytes(9).toString('base64url')}`;
    toUpstream.append(new MessageWriter().begin(Frontend.describe).int8(0x53).cstring(nobody).end().take());
    toUpstream.append(SYNC);
    toUpstream.flush();
    return this.#session.whenAnswered();
  }
}

/** Each statement alone, behind as many blanks as there are characters in front of it: errors keep the positions of the whole text. */
function textsOf(text: string, executions: readonly Execution[]): string[] {
  if (executions.length === 1) return [text];
  const padded = executions.length * text.length <= MAX_PADDED_BYTES;
  let end = 0;
  return executions.map(({ judged }) => {
    const own = judged.rewritten?.text ?? judged.facts.text;
    const start = text.indexOf(own, end);
    if (start < 0) return own;
    end = start + own.length;
    return padded ? `${' '.repeat([...text.slice(0, start)].length)}${own}` : own;
  });
}
