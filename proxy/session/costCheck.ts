import { costQuestion, hasCost, readCost } from '../limits/cost';
import type { JudgedStatement } from '../policy/judge';
import { costTooHigh, costUnknown } from '../wire/errors';
import { Frontend } from '../wire/messages';
import { type AskedWith, ask, boundValues } from './ask';
import type { PreparedStatement } from './names';
import type { Session, SessionView } from './session';

const SYNC = Buffer.from([Frontend.sync, 0, 0, 0, 4]);

/**
 * The cost that EXPLAIN estimates, asked for before a statement runs, in the client's own session: by its search_path, its temporary tables,
 * what its transaction has changed, and with its parameters. Where EXPLAIN fails the statement would fail in the same words, which take its
 * place.
 */
export class CostCheck {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** The limit a statement has to keep; null where there is none. */
  limitOf({ facts }: JudgedStatement, view: SessionView): number | null {
    const limit = view.connection.limits?.maxCost;
    return limit === undefined || !hasCost(facts) ? null : limit;
  }

  /** The same of a statement that is being bound: what its own parameters make of it. */
  async checkBind(
    judged: JudgedStatement,
    { bind, statement, ...of }: { bind: { bytes: Buffer }; statement: PreparedStatement; limit: number; statementId: string },
  ): Promise<boolean> {
    if (statement.bySql) throw costUnknown(of.statementId, 'it was prepared by SQL and is bound by the protocol');
    const text = statement.judgement.forward?.text ?? statement.sql;
    const parameters = { typeOids: statement.parameterTypes, values: boundValues(bind.bytes) };
    const { protocol, toUpstream } = this.#session;
    const resting = protocol.atRest || protocol.onlyParsed;
    const runs = await this.check(judged, { ...of, text, parameters });
    // The locks that planning took would be in everybody's way while a person thinks.
    if (runs && resting) {
      protocol.sentRest();
      toUpstream.append(SYNC);
    }
    return runs;
  }

  /**
   * True when it may run; false when the server failed the question.
   * @throws WireError 42501 above the limit, and where there is no estimate
   */
  async check(
    { facts }: JudgedStatement,
    of: { text: string; limit: number; statementId: string; parameters?: AskedWith },
  ): Promise<boolean> {
    const session = this.#session;
    const question = costQuestion(facts, of.text);
    if (question.kind === 'unknown') throw costUnknown(of.statementId, question.why);
    let cost: number | null = null;
    ask(session, question.sql, (cell) => (cost = readCost(cell)), {
      prefix: question.prefix,
      ...(of.parameters === undefined ? {} : { parameters: of.parameters }),
    });
    session.askForAnswers();
    await session.whenAnswered();
    if (session.protocol.skipping || session.closed) return false;
    if (cost === null) throw costUnknown(of.statementId, 'EXPLAIN gave no total cost');
    if (cost > of.limit) throw costTooHigh(of.statementId, cost, of.limit);
    return true;
  }
}
