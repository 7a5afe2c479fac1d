import { CopyMaskError, MAX_ROW_BYTES } from '../masking/copy/malformed';
import { type CopyPlan, planCopy } from '../masking/copyPlan';
import { enforcesDetection } from '../masking/detect/rules';
import { maskFields, maskWords } from '../masking/detect/words';
import { planResult, type ResultPlan } from '../masking/results';
import { maskRow } from '../masking/rows';
import type { Touch } from '../masking/types';
import {
  type ColumnDescription,
  decodeCommandTag,
  decodeFields,
  decodeParameterDescription,
  decodeParameterStatus,
  decodeRowDescription,
  encodeFieldMap,
} from '../wire/backend';
import { answerTooLarge, encodeFields, encodingChanged, resultWithheld } from '../wire/errors';
import { Backend } from '../wire/messages';
import { BackendScanner, type Disposal, type Treatment } from '../wire/stream';
import { MessageWriter } from '../wire/writer';
import type { Execution } from './execution';
import type { Answer, Ended } from './protocol';
import type { Reply } from './replies';
import { readsAsBefore, repositioned, splicedBehind } from './rewritten';
import { relationOf, scrubFields, type Taint } from './scrub';
import type { Session, SessionView } from './session';

type MaskedCopy = Extract<CopyPlan, { kind: 'mask' }>;

/** Server → client: follows what is owed, masks rows, scrubs messages, records outcomes. Anything unexpected ends the session. */
export class BackendFlow {
  readonly #session: Session;
  readonly #scanner: BackendScanner;
  /** An error of ours took the place of a result: nothing more is shown until ReadyForQuery. */
  #muted = false;
  /** Set while a RowDescription waits for the catalog to be read again. */
  #refreshed = false;
  /** The plan of the rows that come now; kept here so that the row path looks nothing up. */
  #rows: Execution | null = null;
  /** Masks the rows of the COPY that runs now. */
  #copy: MaskedCopy | null = null;

  constructor(session: Session) {
    this.#session = session;
    this.#scanner = new BackendScanner({
      treat: (type, sizeBytes) => this.#treat(type, sizeBytes),
      message: (type, bytes) => this.#message(type, bytes),
      forward: (bytes) => this.#session.toClient.append(bytes),
    });
  }

  /** The client has a part of a message and waits for the rest: nothing of ours can be said to it. */
  get insideMessage(): boolean {
    return this.#scanner.insideMessage;
  }

  push(chunk: Buffer): void {
    this.#scanner.push(chunk);
    this.#flush();
  }

  #flush(): void {
    const session = this.#session;
    if (session.closed) return;
    if (!session.toClient.flush()) session.upstream.pause();
    session.answered();
  }

  #treat(type: number, sizeBytes: number): Treatment {
    if (type !== Backend.dataRow && type !== Backend.copyData) return 'whole';
    if (this.#muted) return 'whole';
    const rows = this.#rows ?? this.#firstRow(type);
    if (rows === null) return 'whole';
    if (type === Backend.copyData) {
      if (this.#copy !== null) return 'whole';
      rows.bytes += sizeBytes - 5;
      return 'pass';
    }
    if (rows.plan?.kind !== 'pass') return 'whole';
    rows.rows++;
    rows.bytes += sizeBytes - 5;
    return 'pass';
  }

  /** The first row of a portal whose plan is known, or needs none, passes as the others do, however large it is. */
  #firstRow(type: number): Execution | null {
    const { head } = this.#session.protocol;
    if (type !== Backend.dataRow || head?.op !== 'execute' || head.execution === null) return null;
    head.execution.plan ??= this.#planWithoutDescription(head.execution, head);
    this.#rows = head.execution;
    return head.execution;
  }

  #message(type: number, bytes: Buffer): Disposal {
    switch (type) {
      case Backend.noticeResponse:
        return this.#notice(bytes);
      case Backend.notificationResponse:
        return this.#notification(bytes);
      case Backend.parameterStatus:
        return this.#parameterStatus(bytes);
      default: {
        const disposal = this.#answer(type, bytes);
        return disposal === 'pass' && this.#muted && type !== Backend.readyForQuery ? 'taken' : disposal;
      }
    }
  }

  #answer(type: number, bytes: Buffer): Disposal {
    switch (type) {
      case Backend.rowDescription:
        return this.#rowDescription(bytes);
      case Backend.dataRow:
        return this.#dataRow(bytes);
      case Backend.copyOutResponse: {
        // Masks are chosen by the catalog; while it is being read the answer waits.
        if (this.#session.protocol.running(type).judged.touch.state === 'clean') break;
        const view = this.#session.services.view(this.#session.facts);
        if (!(view instanceof Promise)) break;
        this.#waitFor(view);
        return 'wait';
      }
      case Backend.copyData:
        return this.#copy === null || this.#muted ? 'taken' : this.#copyRows(this.#copy, bytes);
      case Backend.copyDone:
        if (this.#copy !== null && !this.#muted && !this.#copyEnds(this.#copy)) return 'taken';
        break;
      case Backend.errorResponse:
        return this.#error(bytes);
      case Backend.parameterDescription: {
        const { statement } = this.#session.protocol.describing(type);
        if (statement !== null) statement.parameterTypes = decodeParameterDescription(bytes);
        break;
      }
      default:
    }
    return this.#apply(this.#session.protocol.answer(type, bytes), type, bytes);
  }

  /** What an answer means for the record, for the rows that follow and for what the client sees of it. */
  #apply(answer: Answer, type: number, bytes: Buffer): Disposal {
    switch (answer.kind) {
      case 'passed':
        return 'pass';
      case 'settled':
        return answer.local ? 'taken' : 'pass';
      case 'described': {
        const { statement, portal, local } = answer.describe;
        if (type === Backend.noData) {
          if (statement !== null) statement.columns = [];
          if (portal !== null) portal.plan = { kind: 'pass' };
        }
        return local ? 'taken' : 'pass';
      }
      case 'finished':
        this.#rows = null;
        this.#copy = null;
        if (answer.execution !== null) this.#finished(answer.execution, type, bytes);
        return 'pass';
      case 'copying':
        return type === Backend.copyOutResponse ? this.#copyOut(answer.execution, bytes) : 'pass';
      case 'failed':
      case 'unasked':
        throw new Error('errors are answered where they are read');
      case 'ready':
        this.#ready(answer.ended);
        return answer.local ? 'taken' : 'pass';
      default:
        answer satisfies never;
        return 'taken';
    }
  }

  #rowDescription(bytes: Buffer): Disposal {
    const session = this.#session;
    const { protocol } = session;
    const columns = decodeRowDescription(bytes);
    if (protocol.head?.op === 'describe') {
      const { statement, portal } = protocol.head;
      if (statement !== null) statement.columns = columns;
      if (portal !== null) {
        const plan = this.#plan(columns, portal.judgement.statements[0]);
        if (plan === null) return 'wait';
        portal.plan = plan;
      }
      return this.#apply(protocol.answer(Backend.rowDescription, bytes), Backend.rowDescription, bytes);
    }
    const execution = protocol.running(Backend.rowDescription);
    const plan = this.#plan(columns, execution.judged);
    if (plan === null) return 'wait';
    protocol.answer(Backend.rowDescription, bytes);
    execution.plan = plan;
    this.#rows = execution;
    return plan.kind === 'withhold' ? this.#withhold(execution, plan.reason) : 'pass';
  }

  /** Null when the catalog has to be read again first; the message comes back when it was. */
  #plan(columns: readonly ColumnDescription[], judged: Execution['judged'] | undefined): ResultPlan | null {
    const session = this.#session;
    if (!session.services.mayBeMasked(session.facts)) return { kind: 'pass' };
    const view = session.services.view(session.facts);
    if (view instanceof Promise) {
      this.#waitFor(view);
      return null;
    }
    const rules = session.services.detecting(session.facts);
    if (view.masks.empty && rules.length === 0) return { kind: 'pass' };
    const plan = planResult(columns, {
      touch: this.#touchOf(judged, view),
      byOrigin: (oid, number) => view.masks.byOrigin(oid, number),
      isTainted: (oid) => view.masks.isTainted(oid),
      isTemporary: (oid) => view.catalog.temporary.has(oid),
      knowsColumn: (oid, number) => view.masks.empty || knowsColumn(view, oid, number),
      types: view.catalog.types,
      hashKey: session.services.hashKey,
      detection: rules.length === 0 ? null : { rules, types: view.catalog.types, hashKey: session.services.hashKey },
      refreshed: this.#refreshed,
    });
    this.#refreshed = false;
    if (plan.kind !== 'refresh') return plan;
    // When it cannot be read again the keeper vouches for nothing, and the next look at the view says so.
    const refresh = session.services.refreshCatalog(session.facts.connectionName).catch(() => undefined);
    this.#waitFor(refresh.then(() => (this.#refreshed = true)));
    return null;
  }

  /**
   * As the statement was judged, or, when the catalog was read again for its very result, as it is judged by that. What a name of the session
   * runs is not looked up a second time.
   */
  #touchOf(judged: Execution['judged'] | undefined, view: SessionView): Touch {
    if (judged === undefined) return { state: 'clean' };
    const { session: effect, text } = judged.facts;
    if (!this.#refreshed || effect?.type === 'execute' || effect?.type === 'fetch') return judged.touch;
    const again = this.#session.services.judge(text, view, this.#session.searchPathKnown).statements;
    if (again.length !== 1 || again[0] === undefined) return judged.touch;
    if (!readsAsBefore(judged, again[0])) return { state: 'unresolved', reason: 'The masks it reads through have changed.', columns: [] };
    return again[0].touch;
  }

  #waitFor(work: Promise<unknown>): void {
    const session = this.#session;
    session.upstream.pause();
    work.then(
      () =>
        session.guard(() => {
          session.upstream.resume();
          this.#scanner.resume();
          this.#flush();
        }),
      (error: unknown) => session.failWith(error),
    );
  }

  #withhold(execution: Execution, reason: string): Disposal {
    const session = this.#session;
    session.toClient.append(encodeFields(resultWithheld(execution.id, reason).fields));
    execution.withheld = true;
    this.#muted = true;
    return 'taken';
  }

  #dataRow(bytes: Buffer): Disposal {
    const { head } = this.#session.protocol;
    const execution = this.#session.protocol.running(Backend.dataRow);
    if (this.#muted) return 'taken';
    execution.plan ??= this.#planWithoutDescription(execution, head);
    this.#rows = execution;
    const { plan } = execution;
    switch (plan.kind) {
      case 'pass':
        execution.rows++;
        execution.bytes += bytes.length - 5;
        return 'pass';
      case 'mask': {
        execution.rows++;
        const out = this.#session.toClient.room();
        const before = out.length;
        maskRow(bytes, plan.masks, out);
        execution.bytes += out.length - before - 5;
        return 'taken';
      }
      case 'withhold':
      case 'refresh':
        return this.#withhold(execution, plan.kind === 'withhold' ? plan.reason : 'The columns of this result are not described.');
      default:
        plan satisfies never;
        return 'taken';
    }
  }

  /** Rows of a portal nobody described: right for a clean statement, never for one that meets masked data or whose cells are looked into. */
  #planWithoutDescription(execution: Execution, head: Reply | undefined): ResultPlan {
    const portal = head?.op === 'execute' ? head.portal : null;
    if (portal?.plan != null) return portal.plan;
    const { services, facts } = this.#session;
    if (execution.judged.touch.state === 'clean' && services.detecting(facts).length === 0) return { kind: 'pass' };
    return { kind: 'withhold', reason: 'The columns of this result are not described.' };
  }

  #copyOut(execution: Execution, bytes: Buffer): Disposal {
    const session = this.#session;
    this.#rows = execution;
    const rules = session.services.detecting(session.facts);
    if (execution.judged.touch.state === 'clean') {
      // It was judged before a rule began to look into content.
      if (enforcesDetection(rules)) return this.#withhold(execution, 'The policy has changed; send it again.');
      return 'pass';
    }
    const view = session.services.view(session.facts);
    // Judged a moment ago, by a catalog that can no longer be vouched for.
    if (view instanceof Promise) {
      view.catch(() => undefined);
      return this.#withhold(execution, 'The catalog has changed; send it again.');
    }
    const { hashKey } = session.services;
    const { types } = view.catalog;
    const detection = rules.length === 0 ? null : { rules, types, hashKey };
    const plan = planCopy(bytes, execution.judged.touch, { types, hashKey, detection });
    switch (plan.kind) {
      case 'pass':
        return 'pass';
      case 'mask':
        this.#copy = plan;
        execution.plan = { kind: 'mask', masks: [], columns: plan.columns, hits: plan.hits };
        return 'pass';
      case 'withhold':
        return this.#withhold(execution, plan.reason);
      default:
        plan satisfies never;
        return 'taken';
    }
  }

  #copyRows({ mask, out }: MaskedCopy, bytes: Buffer): Disposal {
    const session = this.#session;
    const execution = session.protocol.running(Backend.copyData);
    try {
      mask.push(bytes, 5, bytes.length);
    } catch (error) {
      return this.#copyFailed(execution, error);
    }
    execution.bytes += out.length;
    session.toClient.room().append(out.bytes, 0, out.length);
    out.length = 0;
    return 'taken';
  }

  #copyEnds({ mask }: MaskedCopy): boolean {
    try {
      mask.finish();
      return true;
    } catch (error) {
      this.#copyFailed(this.#session.protocol.running(Backend.copyDone), error);
      return false;
    }
  }

  /** An error in the middle of a COPY is what PostgreSQL itself says then; nothing of the row that caused it has left. */
  #copyFailed(execution: Execution, error: unknown): Disposal {
    if (!(error instanceof CopyMaskError)) throw error;
    if (error.tooLargeBytes !== null) throw answerTooLarge(error.tooLargeBytes, MAX_ROW_BYTES);
    return this.#withhold(execution, error.message);
  }

  #finished(execution: Execution, type: number, bytes: Buffer): void {
    const session = this.#session;
    if (type !== Backend.commandComplete) return session.end(execution, 'done');
    const { tag, rows } = decodeCommandTag(bytes);
    if (rows !== null) execution.rows = rows;
    this.#applyToSession(execution, tag);
    // A withheld result did run: what it changed stands, and the record says both.
    session.end(execution, 'done', execution.withheld ? '42501' : null);
    session.undone(session.work.done(execution, tag));
  }

  /** What a statement that completed did to the session itself. */
  #applyToSession(execution: Execution, tag: string): void {
    const session = this.#session;
    const { names } = session.protocol;
    if (execution.dirtiesCatalog) session.catalogDirty = true;
    if (tag === 'DISCARD ALL') names.discardAll();
    if (tag === 'DEALLOCATE ALL') names.statements.clearNamed();
    const effect = execution.judged.facts.session;
    if (effect?.type === 'deallocate' && effect.name !== null) names.statements.delete(effect.name);
    if (effect?.type === 'declare') {
      names.cursors.set(effect.name, execution.judged);
      names.portals.delete(effect.name);
    }
    if (effect?.type === 'close') {
      if (effect.name === null) names.closeAll();
      else names.closePortal(effect.name);
    }
    execution.onComplete?.();
  }

  #error(bytes: Buffer): Disposal {
    const session = this.#session;
    const fields = decodeFields(bytes);
    const severity = fields.get('V');
    const muted = this.#muted;
    this.#rows = null;
    const shown = repositioned(Backend.errorResponse, bytes, fields, splicedBehind(session.protocol.head));
    const answer = session.protocol.answer(Backend.errorResponse, bytes, severity === 'FATAL' || severity === 'PANIC');
    if (answer.kind !== 'failed') {
      this.#emitError(shown);
      session.upstreamSaidWhy ||= severity === 'FATAL' || severity === 'PANIC';
      return 'taken';
    }
    if (!muted) {
      if (answer.shown?.kind === 'ours') session.toClient.append(encodeFields(answer.shown.error.fields));
      else this.#emitError(answer.shown === null ? shown : renamed(fields, answer.shown));
    }
    session.sendKeptSyncs();
    session.work.failed();
    const sqlstate = fields.get('C') ?? 'XX000';
    for (const { execution, status } of answer.ended) session.end(execution, status, status === 'failed' ? sqlstate : null);
    return 'taken';
  }

  #emitError(bytes: Buffer): void {
    const taint = this.#taintOf(bytes);
    this.#session.toClient.append(
      this.#looked(Backend.errorResponse, taint === 'none' ? bytes : scrubFields(Backend.errorResponse, bytes, taint)),
    );
  }

  /** A statement that names nothing masked can still make a cascade or a trigger fail on a row that is. */
  #taintOf(bytes: Buffer): Taint {
    const session = this.#session;
    if (session.taint !== 'none') return session.taint;
    if (!session.services.mayBeMasked(session.facts)) return 'none';
    const view = session.services.view(session.facts);
    if (view instanceof Promise) {
      view.catch(() => undefined);
      return 'masked';
    }
    if (view.masks.empty) return 'none';
    const relation = relationOf(bytes);
    return relation !== null && view.masks.taintedRelations.has(relation) ? 'masked' : 'none';
  }

  #ready(ended: readonly Ended[]): void {
    const session = this.#session;
    for (const { execution, status } of ended) session.end(execution, status);
    session.undone(session.work.ready(session.protocol.status));
    this.#muted = false;
    this.#rows = null;
    this.#copy = null;
    // What was forwarded behind this transaction has set its taint already.
    if (session.protocol.status === 'I' && session.protocol.owed === 0) session.taint = 'none';
    if (session.catalogDirty) this.#refreshCatalog();
  }

  /** Uncommitted DDL is invisible to the catalog's own connection, so it is read again at every step until the transaction is over. */
  #refreshCatalog(): void {
    const session = this.#session;
    if (session.protocol.status === 'I') session.catalogDirty = false;
    const barrier = session.services.refreshCatalog(session.facts.connectionName).finally(() => {
      if (session.catalogBarrier === barrier) session.catalogBarrier = null;
    });
    barrier.catch(() => undefined);
    session.catalogBarrier = barrier;
  }

  #notice(bytes: Buffer): Disposal {
    const spliced = splicedBehind(this.#session.protocol.head);
    const shown = spliced === null ? bytes : repositioned(Backend.noticeResponse, bytes, decodeFields(bytes), spliced);
    const taint = this.#taintOf(shown);
    const scrubbed = this.#looked(Backend.noticeResponse, taint === 'none' ? shown : scrubFields(Backend.noticeResponse, shown, taint));
    if (scrubbed === bytes) return 'pass';
    this.#session.toClient.append(scrubbed);
    return 'taken';
  }

  /** An error or notice after the rules about content looked into its words. */
  #looked(type: number, bytes: Buffer): Buffer {
    const { services, facts } = this.#session;
    const rules = services.detecting(facts);
    return rules.length === 0 ? bytes : maskFields(type, bytes, rules, services.hashKey);
  }

  /** A payload is another session's words and may be a masked value; a session under masks learns only that something happened. */
  #notification(bytes: Buffer): Disposal {
    const session = this.#session;
    if (!session.services.mayBeMasked(session.facts)) return 'pass';
    const view = session.services.view(session.facts);
    // While the catalog is not known neither are the masks; that it cannot be read is told to whoever needs it.
    if (view instanceof Promise) view.catch(() => undefined);
    else if (view.masks.empty && !this.#holdsContent(bytes.toString('utf8', bytes.indexOf(0, 9) + 1))) return 'pass';
    const channelEnd = bytes.indexOf(0, 9);
    const channel = bytes.toString('utf8', 9, channelEnd);
    const payload = bytes.toString('utf8', channelEnd + 1, bytes.length - 1);
    // What this session has said itself is no news to it.
    if (session.notifications.has(bytes.readInt32BE(5), channel, payload)) return 'pass';
    const writer = new MessageWriter()
      .begin(Backend.notificationResponse)
      .bytes(bytes.subarray(5, channelEnd + 1))
      .cstring('');
    session.toClient.append(writer.end().take());
    return 'taken';
  }

  /** Whether an enforced rule about content finds something in what the server says of itself. */
  #holdsContent(words: string): boolean {
    const { services, facts } = this.#session;
    const rules = services.detecting(facts);
    return rules.length > 0 && maskWords(words, rules, services.hashKey) !== words;
  }

  #parameterStatus(bytes: Buffer): Disposal {
    const { name, value } = decodeParameterStatus(bytes);
    if (name === 'client_encoding' && value !== 'UTF8') throw encodingChanged(name);
    if (name === 'standard_conforming_strings' && value !== 'on') throw encodingChanged(name);
    if (this.#holdsContent(value)) return 'taken';
    // Code nobody read may have put a value into a setting that the server reports.
    return this.#session.taint === 'opaque' && name === 'application_name' ? 'taken' : 'pass';
  }
}

/** The server's error on a name of ours, as it would have been on the client's. */
function renamed(fields: ReadonlyMap<string, string>, { from, to }: { from: string; to: string }): Buffer {
  const message = (fields.get('M') ?? '').replace(`"${from}"`, () => `"${to}"`);
  return encodeFieldMap(Backend.errorResponse, new Map([...fields, ['M', message]]));
}

/** System columns have negative numbers; 0 is a whole row. */
function knowsColumn(view: SessionView, relationOid: number, attributeNumber: number): boolean {
  const relation = view.catalog.relations.get(relationOid);
  return relation !== undefined && (attributeNumber <= 0 || relation.columns.some((column) => column.number === attributeNumber));
}
