import type { Action } from '../../db/schema/shapes';
import { functionByOid } from '../catalog/byOid';
import { enforcesDetection } from '../masking/detect/rules';
import { familyOf } from '../masking/transforms/family';
import { functionCallText } from '../policy/functionCall';
import type { AffectedLimit } from '../policy/types';
import type { ColumnDescription } from '../wire/backend';
import { functionCallNotAllowed, functionResultNotLookedInto, noSuchFunction, statementDenied, type WireError } from '../wire/errors';
import { decodeFunctionCall, type FunctionCallMessage } from '../wire/frontend';
import { type Execution, newExecution } from './execution';
import type { Judging } from './judging';
import { showParameters } from './parameters';
import type { Session, SessionView } from './session';
import type { Verdicts } from './verdicts';

const VOID = 2278;

/**
 * The FunctionCall message (chapter 54.2.4): an OID and arguments, no text. Refused, or, where the connection says so, judged as the SELECT
 * of the function that the catalog has under this OID.
 */
export class FunctionCalls {
  readonly #session: Session;
  readonly #judging: Judging;
  readonly #verdicts: Verdicts;

  constructor(session: Session, judging: Judging, verdicts: Verdicts) {
    this.#session = session;
    this.#judging = judging;
    this.#verdicts = verdicts;
  }

  call(bytes: Buffer): void | Promise<void> {
    return this.#judging.withView((view) => {
      if (view.connection.functionCall !== 'judge') throw functionCallNotAllowed();
      const message = decodeFunctionCall(bytes);
      const text = functionCallText(view.catalog, message.oid, message.arguments.length);
      if (text !== null) return this.#run(bytes, message, text, view);
      // Made a moment ago, perhaps.
      return this.#session.services
        .refreshCatalog(this.#session.facts.connectionName)
        .catch(() => undefined)
        .then(() => this.#judging.withView((now) => this.#runRefreshed(bytes, message, now)));
    });
  }

  #runRefreshed(bytes: Buffer, message: FunctionCallMessage, view: SessionView): void | Promise<void> {
    const text = functionCallText(view.catalog, message.oid, message.arguments.length);
    if (text === null) throw noSuchFunction(message.oid);
    return this.#run(bytes, message, text, view);
  }

  /**
   * The server does not describe the value, the catalog does. Where rules look into content, one whose type depends on the arguments cannot
   * be looked into.
   */
  #describe({ oid, resultFormat }: FunctionCallMessage, view: SessionView): ColumnDescription {
    const { services, facts } = this.#session;
    const called = functionByOid(view.catalog, oid);
    if (called === undefined) throw noSuchFunction(oid);
    const typeOid = called.returnTypeOid;
    const isPseudo = view.catalog.types.get(typeOid)?.type === 'p' && familyOf(typeOid, view.catalog.types).kind === 'other';
    if (isPseudo && typeOid !== VOID && enforcesDetection(services.detecting(facts))) throw functionResultNotLookedInto();
    return { name: called.name, tableOid: 0, attributeNumber: 0, typeOid, typeSize: -1, typeModifier: -1, format: resultFormat };
  }

  #run(bytes: Buffer, message: FunctionCallMessage, text: string, view: SessionView): void | Promise<void> {
    const column = this.#describe(message, view);
    const { effective, analysisMs } = this.#judging.effective(text, view);
    const [judged] = effective.statements;
    if (judged === undefined) throw noSuchFunction(message.oid);
    const parameters = showParameters(message.arguments, message.argumentFormats, []);
    const execution = newExecution(judged, { protocol: 'function call', parameters, analysisMs });
    const forward = () => {
      const [limit] = execution.affectedLimits;
      if (limit !== undefined) throw this.#uncounted(execution, limit);
      this.#verdicts.mark(execution, view);
      this.#session.protocol.sentFunctionCall(execution, column);
      this.#session.toUpstream.append(bytes);
    };
    const decided = () => this.#decided(text, { action: effective.action, execution, view, bytes }, forward);
    const admitted = effective.action === 'deny' ? undefined : this.#verdicts.admit([execution], view);
    return admitted === undefined ? decided() : admitted.then(() => (this.#session.closed ? undefined : decided()));
  }

  /** The message commits by itself, before anybody could count. */
  #uncounted(execution: Execution, { rule }: AffectedLimit): WireError {
    const why = 'the rows a function call changes cannot be counted before they stand';
    const error = statementDenied({ statementId: execution.id, rule, why });
    this.#session.record.end(execution, 'denied', error.fields.sqlstate);
    return error;
  }

  #decided(
    text: string,
    { action, execution, view, bytes }: { action: Action; execution: Execution; view: SessionView; bytes: Buffer },
    forward: () => void,
  ): void | Promise<void> {
    switch (action) {
      case 'deny':
        throw this.#verdicts.denied([execution], view);
      case 'hold':
        return this.#verdicts.hold(text, [execution], view, bytes).then((error) => {
          if (error === 'skipped') return;
          if (error !== null) throw error;
          this.#session.record.released(execution);
          forward();
        });
      case 'allow':
        this.#session.record.begin([execution], view, 'running');
        return forward();
      default:
        action satisfies never;
    }
  }
}
