import { planResult, type ResultPlan } from '../masking/results';
import { maskRow } from '../masking/rows';
import type { Touch } from '../masking/types';
import {
  type ColumnDescription,
  decodeCommandTag,
  decodeFields,
  decodeParameterDescription,
  decodeRowDescription,
  encodeFieldMap,
} from '../wire/backend';
import { encodeFields, resultCut, resultWithheld } from '../wire/errors';
import { Backend } from '../wire/messages';
import { BackendScanner, type Disposal, type Treatment } from '../wire/stream';
import { calledRowOf, calledValueOf } from './calledValue';
import { CopyRows } from './copyRows';
import type { Execution } from './execution';
import type { Answer, Ended } from './protocol';
import type { Reply } from './replies';
import { readsAsBefore, repositioned, splicedBehind } from './rewritten';
import { ServerWords } from './serverWords';
import type { Session, SessionView } from './session';

const TIMED_ROWS = 16;

/** Server → client: follows what is owed, masks rows, scrubs messages, records outcomes. Anything unexpected ends the session. */
export class BackendFlow {
  readonly #session: Session;
  readonly #scanner: BackendScanner;
  readonly #words: ServerWords;
  readonly #copy: CopyRows;
  /** An error of ours took the place of a result: nothing more is shown until ReadyForQuery. */
  #muted = false;
  /** CommandComplete of the last statement of a text that went statement by statement: it is said when the commit has not failed. */
  #lastComplete: Buffer | null = null;
  /** Set while a RowDescription waits for the catalog to be read again. */
  #refreshed = false;
  /** The plan of the rows that come now; kept here so that the row path looks nothing up. */
  #rows: Execution | null = null;

  constructor(session: Session) {
    this.#session = session;
    this.#words = new ServerWords(session);
    this.#copy = new CopyRows(session, (execution, reason) => this.#withhold(execution, reason));
    this.#scanner = new BackendScanner({
      treat: (type, sizeBytes) => this.#treat(type, sizeBytes),
      message: (type, bytes) => this.#message(type, bytes),
      forward: (bytes) => this.#session.toClient.append(bytes),
      cut: () => this.#cut(),
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
    if (this.#muted) return this.#session.protocol.head?.op === 'ask' ? 'whole' : 'drop';
    const rows = this.#rows ?? this.#firstRow(type);
    if (rows === null) return 'whole';
    if (type === Backend.copyData ? this.#copy.masking : rows.plan?.kind !== 'pass') return 'whole';
    if (rows.recording?.takes(sizeBytes) === true) return 'whole';
    if (rows.rows >= rows.maxRows || rows.bytes + sizeBytes - 5 > rows.maxBytes) return 'cut';
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
    this.#begins(head.execution, head);
    return head.execution;
  }

  #message(type: number, bytes: Buffer): Disposal {
    switch (type) {
      case Backend.noticeResponse:
        return this.#aside(this.#words.notice(bytes), bytes);
      case Backend.notificationResponse:
        return this.#aside(this.#words.notification(bytes), bytes);
      case Backend.parameterStatus:
        return this.#aside(this.#words.parameterStatus(bytes), bytes);
      default: {
        const disposal = this.#answer(type, bytes);
        return disposal === 'pass' && this.#muted && type !== Backend.readyForQuery ? 'taken' : disposal;
      }
    }
  }

  /** What belongs to no result does not wait with one. */
  #aside(disposal: Disposal, bytes: Buffer): Disposal {
    const { toClient } = this.#session;
    if (disposal !== 'pass' || !toClient.holding) return disposal;
    toClient.appendAside(bytes);
    return 'taken';
  }

  #answer(type: number, bytes: Buffer): Disposal {
    switch (type) {
      case Backend.rowDescription:
        return this.#rowDescription(bytes);
      case Backend.dataRow:
        return this.#dataRow(bytes);
      case Backend.functionCallResponse:
        return this.#called(bytes);
      case Backend.copyOutResponse: {
        // Masks are chosen by the catalog; while it is being read the answer waits.
        if (this.#session.protocol.running(type).judged.touch.state === 'clean') break;
        const view = this.#session.services.view(this.#session.facts);
        if (!(view instanceof Promise)) break;
        this.#waitFor(view);
        return 'wait';
      }
      case Backend.copyData:
        return this.#muted || this.#exceeds(bytes) ? 'taken' : this.#copy.data(bytes);
      case Backend.copyDone:
        if (!this.#muted && !this.#copy.ends()) return 'taken';
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
    const { head } = this.#session.protocol;
    const isLast = head?.op === 'step' && head.last;
    return this.#apply(this.#session.protocol.answer(type, bytes), type, bytes, isLast);
  }

  /** What an answer means for the record, for the rows that follow and for what the client sees of it. */
  #apply(answer: Answer, type: number, bytes: Buffer, isLast = false): Disposal {
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
        this.#copy.over();
        if (answer.execution !== null) this.#finished(answer.execution, type, bytes);
        if (!isLast) return 'pass';
        this.#lastComplete = this.#muted ? null : Buffer.from(bytes);
        return 'taken';
      case 'copying':
        return type === Backend.copyOutResponse ? this.#copyOut(answer.execution, bytes) : 'pass';
      case 'asked':
        answer.asked.answered(answer.asked.cell);
        return 'taken';
      case 'failed':
      case 'unasked':
        throw new Error('errors are answered where they are read');
      case 'ready':
        if (this.#lastComplete !== null) this.#session.toClient.append(this.#lastComplete);
        this.#lastComplete = null;
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
        portal.columns = columns;
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
    execution.recording?.describe(columns);
    this.#rows = execution;
    this.#answers(execution);
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

  /** A result is as large as it may be: an error ends it, the rest of it is dropped, and the server is told that nobody reads on. */
  #cut(): void {
    const execution = this.#rows;
    if (execution === null) return;
    const { toClient } = this.#session;
    execution.cut = execution.cutBy?.() ?? resultCut(execution.id, execution);
    toClient.append(encodeFields(execution.cut.fields));
    this.#muted = true;
    // While its rows are counted it is over at the server, all but its answer.
    if (!toClient.holding) this.#session.cancelCut();
  }

  /** Whether one more row would be too much; then the result is cut in front of it. */
  #exceeds(bytes: Buffer): boolean {
    const rows = this.#rows;
    if (rows === null || (rows.rows < rows.maxRows && rows.bytes + bytes.length - 5 <= rows.maxBytes)) return false;
    this.#cut();
    return true;
  }

  #copyOut(execution: Execution, bytes: Buffer): Disposal {
    this.#rows = execution;
    this.#answers(execution);
    // A header in text, the trailer in binary: messages that hold no row.
    if (bytes[5] === 1 || /\bheader\b/i.test(execution.judged.facts.text)) execution.rows = -1;
    return this.#copy.start(execution, bytes);
  }

  /** The value that a function was called for, treated as the one row that a SELECT of it would be. */
  #called(bytes: Buffer): Disposal {
    const { protocol, toClient } = this.#session;
    const { execution, column } = protocol.called(Backend.functionCallResponse);
    const plan = this.#plan([column], execution.judged);
    if (plan === null) return 'wait';
    execution.plan = plan;
    execution.recording?.describe([column]);
    this.#rows = execution;
    this.#answers(execution);
    const out = toClient.room();
    const before = out.length;
    let disposal = this.#row(execution, plan, calledRowOf(bytes));
    if (disposal === 'taken' && !this.#muted) {
      const value = calledValueOf(out.bytes.subarray(before, out.length));
      out.length = before;
      toClient.append(value);
    } else if (this.#muted) disposal = 'taken';
    this.#apply(protocol.answer(Backend.functionCallResponse, bytes), Backend.functionCallResponse, bytes);
    return disposal;
  }

  #dataRow(bytes: Buffer): Disposal {
    const { head } = this.#session.protocol;
    if (head?.op === 'ask') {
      head.asked.cell = firstCell(bytes);
      return 'taken';
    }
    const execution = this.#session.protocol.running(Backend.dataRow);
    if (this.#muted) return 'taken';
    execution.plan ??= this.#planWithoutDescription(execution, head);
    if (this.#rows !== execution) this.#begins(execution, head);
    this.#rows = execution;
    return this.#row(execution, execution.plan, bytes);
  }

  #row(execution: Execution, plan: ResultPlan, bytes: Buffer): Disposal {
    if (this.#exceeds(bytes)) return 'taken';
    switch (plan.kind) {
      case 'pass':
        execution.rows++;
        execution.bytes += bytes.length - 5;
        this.#takeDown(execution, bytes, 0, bytes.length);
        return 'pass';
      case 'mask': {
        if (execution.seen?.mayShow(bytes, plan.masks) === false) {
          const { seen } = execution;
          execution.cutBy = () => seen.cutWords('maskedValues');
          this.#cut();
          return 'taken';
        }
        execution.rows++;
        const out = this.#session.toClient.room();
        const before = out.length;
        // The clock costs as much as a row: of many, some are timed.
        const weight = execution.rows <= TIMED_ROWS ? 1 : execution.rows % TIMED_ROWS === 0 ? TIMED_ROWS : 0;
        const startedMs = weight === 0 ? 0 : performance.now();
        maskRow(bytes, plan.masks, out);
        if (weight > 0) execution.maskingMs += (performance.now() - startedMs) * weight;
        execution.bytes += out.length - before - 5;
        this.#takeDown(execution, out.bytes, before, out.length);
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

  /** Its first row: what it is recorded as is known by its portal where it was not described itself. */
  #begins(execution: Execution, head: Reply | undefined): void {
    this.#answers(execution);
    const columns = head?.op === 'execute' ? (head.portal?.columns ?? null) : null;
    if (columns !== null && execution.recording?.described === false) execution.recording.describe(columns);
  }

  #answers(execution: Execution): void {
    execution.answeredMs ??= performance.now();
  }

  /** A row as it leaves. */
  #takeDown(execution: Execution, bytes: Buffer, start: number, end: number): void {
    const { recording } = execution;
    if (recording === null) return;
    recording.row(bytes, start, end);
    if (recording.full && !this.#session.toClient.holding) this.#session.record.rows(execution);
  }

  #finished(execution: Execution, type: number, bytes: Buffer): void {
    const session = this.#session;
    this.#answers(execution);
    if (type !== Backend.commandComplete && type !== Backend.functionCallResponse) return this.#ended(execution, null);
    const { tag, rows } = type === Backend.commandComplete ? decodeCommandTag(bytes) : { tag: 'SELECT 1', rows: null };
    if (rows !== null && execution.cut === null) execution.rows = rows;
    this.#applyToSession(execution, tag);
    this.#ended(execution, tag);
    // What it did stands, or will not, once its rows are counted.
    if (execution.measured === null) session.record.completed(execution, tag);
  }

  /** A result that was withheld or cut did run: what it changed stands, and the record says both. */
  #ended(execution: Execution, tag: string | null): void {
    if (execution.measured === null) return this.#session.record.end(execution, 'done', sqlstateShown(execution));
    execution.measured.tag = tag;
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
      session.record.named(execution);
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
    this.#rows = null;
    this.#lastComplete = null;
    // Nothing of a statement that failed is shown but what it failed of, not even that its result was cut.
    if (session.toClient.holding) {
      this.#muted = false;
      session.counting?.recording?.drop();
    }
    session.toClient.discard();
    const muted = this.#muted;
    const { head } = session.protocol;
    const shown =
      head?.op === 'ask'
        ? behindPrefix(bytes, fields, head.asked.prefix)
        : repositioned(Backend.errorResponse, bytes, fields, splicedBehind(head));
    const answer = session.protocol.answer(Backend.errorResponse, bytes, severity === 'FATAL' || severity === 'PANIC');
    if (answer.kind !== 'failed') {
      this.#words.error(shown);
      session.upstreamSaidWhy ||= severity === 'FATAL' || severity === 'PANIC';
      return 'taken';
    }
    if (!muted) {
      if (answer.shown?.kind === 'nothing') return this.#failed(answer.ended, fields);
      if (answer.shown?.kind === 'ours') session.toClient.append(encodeFields(answer.shown.error.fields));
      else this.#words.error(answer.shown === null ? shown : renamed(fields, answer.shown));
    }
    return this.#failed(answer.ended, fields);
  }

  #failed(ended: readonly Ended[], fields: ReadonlyMap<string, string>): Disposal {
    const session = this.#session;
    session.sendKeptSyncs();
    session.record.failed();
    const sqlstate = fields.get('C') ?? 'XX000';
    for (const { execution, status } of ended) {
      if (status === 'failed') this.#answers(execution);
      session.record.end(execution, status, status === 'failed' ? (sqlstateShown(execution) ?? sqlstate) : null);
    }
    return 'taken';
  }

  #ready(ended: readonly Ended[]): void {
    const session = this.#session;
    for (const { execution, status } of ended) session.record.end(execution, status);
    session.record.ready();
    if (session.protocol.status === 'I') session.commitNeed.clear();
    this.#muted = false;
    this.#rows = null;
    this.#copy.over();
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
}

/** The server's error on a name of ours, as it would have been on the client's. */
function renamed(fields: ReadonlyMap<string, string>, { from, to }: { from: string; to: string }): Buffer {
  const message = (fields.get('M') ?? '').replace(`"${from}"`, () => `"${to}"`);
  return encodeFieldMap(Backend.errorResponse, new Map([...fields, ['M', message]]));
}

/** What the client was told in place of the result; null where it has all of it. */
function sqlstateShown({ cut, withheld }: Execution): string | null {
  return cut?.fields.sqlstate ?? (withheld ? '42501' : null);
}

/** The first cell of a DataRow as text; null for SQL NULL. */
function firstCell(bytes: Buffer): string | null {
  const size = bytes.length < 11 ? -1 : bytes.readInt32BE(7);
  return size < 0 ? null : bytes.toString('utf8', 11, 11 + size);
}

/** An error whose position counts words of ours in front of the client's. */
function behindPrefix(bytes: Buffer, fields: ReadonlyMap<string, string>, prefix: number): Buffer {
  const position = Number(fields.get('P') ?? 0) - prefix;
  return position <= 0 ? bytes : encodeFieldMap(Backend.errorResponse, new Map([...fields, ['P', String(position)]]));
}

/** System columns have negative numbers; 0 is a whole row. */
function knowsColumn(view: SessionView, relationOid: number, attributeNumber: number): boolean {
  const relation = view.catalog.relations.get(relationOid);
  return relation !== undefined && (attributeNumber <= 0 || relation.columns.some((column) => column.number === attributeNumber));
}
