import { planResult, type ResultPlan } from '../masking/results';
import { maskRow } from '../masking/rows';
import {
  type ColumnDescription,
  decodeCommandTag,
  decodeFields,
  decodeParameterDescription,
  decodeParameterStatus,
  decodeReadyForQuery,
  decodeRowDescription,
} from '../wire/backend';
import { encodeFields, encodingChanged, resultWithheld } from '../wire/errors';
import { Backend } from '../wire/messages';
import { BackendScanner, type Disposal, type Treatment } from '../wire/stream';
import { MessageWriter } from '../wire/writer';
import type { Execution } from './execution';
import type { Reply } from './replies';
import { relationOf, scrubFields, type Taint } from './scrub';
import type { Session, SessionView } from './session';

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

  constructor(session: Session) {
    this.#session = session;
    this.#scanner = new BackendScanner({
      treat: (type, sizeBytes) => this.#treat(type, sizeBytes),
      message: (type, bytes) => this.#message(type, bytes),
      forward: (bytes) => this.#session.toClient.append(bytes),
    });
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
    const { head } = this.#session.replies;
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
    const session = this.#session;
    const head = session.replies.head;
    switch (type) {
      case Backend.parseComplete:
        this.#expect(head, 'parse', type).change.done();
        session.replies.shift();
        return 'pass';
      case Backend.bindComplete:
        this.#expect(head, 'bind', type).change.done();
        session.replies.shift();
        return 'pass';
      case Backend.closeComplete:
        this.#expect(head, 'close', type).change.done();
        session.replies.shift();
        return 'pass';
      case Backend.parameterDescription: {
        const describe = this.#expect(head, 'describe', type);
        if (describe.statement !== null) describe.statement.parameterTypes = decodeParameterDescription(bytes);
        return 'pass';
      }
      case Backend.rowDescription:
        return this.#rowDescription(head, bytes);
      case Backend.noData: {
        const describe = this.#expect(head, 'describe', type);
        if (describe.statement !== null) describe.statement.columns = [];
        if (describe.portal !== null) describe.portal.plan = { kind: 'pass' };
        session.replies.shift();
        return describe.local ? 'taken' : 'pass';
      }
      case Backend.dataRow:
        return this.#dataRow(head, bytes);
      case Backend.commandComplete:
        return this.#commandComplete(head, bytes);
      case Backend.emptyQueryResponse:
        if (head?.op === 'execute') {
          if (head.execution !== null) session.end(head.execution, 'done');
          session.replies.shift();
        } else this.#expect(head, 'query', type);
        return 'pass';
      case Backend.portalSuspended: {
        this.#expect(head, 'execute', type);
        session.end(this.#running(head, type), 'done');
        this.#rows = null;
        session.replies.shift();
        return 'pass';
      }
      case Backend.copyInResponse:
        session.copyIn = this.#running(head, type);
        if (head?.op === 'execute') session.replies.dropSyncsBehindHead();
        return 'pass';
      case Backend.copyOutResponse:
        this.#rows = this.#running(head, type);
        // COPY carries no origins: only a statement that touches nothing masked gets this far.
        if (this.#rows.judged.touch.state !== 'clean') throw new Error('COPY of masked data was not refused');
        return 'pass';
      case Backend.copyDone:
        return 'pass';
      case Backend.errorResponse:
        return this.#error(head, bytes);
      case Backend.readyForQuery:
        return this.#ready(head, bytes);
      default:
        throw new Error(`the upstream sent message 0x${type.toString(16)} where none is expected`);
    }
  }

  /** The reply that must stand first now; a server that answers something else is one we no longer understand. */
  #expect<Op extends Reply['op']>(head: Reply | undefined, op: Op, type: number): Extract<Reply, { op: Op }> {
    if (head?.op !== op) throw new Error(`the upstream answered 0x${type.toString(16)} to ${head?.op ?? 'nothing'}`);
    return head as Extract<Reply, { op: Op }>;
  }

  #running(head: Reply | undefined, type: number): Execution {
    const execution = head?.op === 'execute' ? head.execution : head?.op === 'query' ? head.executions[head.index] : undefined;
    if (execution == null) throw new Error(`the upstream sent 0x${type.toString(16)} while nothing runs`);
    return execution;
  }

  #rowDescription(head: Reply | undefined, bytes: Buffer): Disposal {
    const session = this.#session;
    const columns = decodeRowDescription(bytes);
    if (head?.op === 'describe') {
      if (head.statement !== null) head.statement.columns = columns;
      if (head.portal !== null) {
        const plan = this.#plan(columns, head.portal.judgement.statements[0]);
        if (plan === null) return 'wait';
        head.portal.plan = plan;
      }
      session.replies.shift();
      return head.local ? 'taken' : 'pass';
    }
    const execution = this.#running(head, Backend.rowDescription);
    const plan = this.#plan(columns, execution.judged);
    if (plan === null) return 'wait';
    execution.plan = plan;
    this.#rows = execution;
    return plan.kind === 'withhold' ? this.#withhold(execution, plan.reason) : 'pass';
  }

  /** Null when the catalog has to be read again first; the message comes back when it was. */
  #plan(columns: readonly ColumnDescription[], judged: Execution['judged'] | undefined): ResultPlan | null {
    const session = this.#session;
    const view = session.services.view(session.facts);
    if (view instanceof Promise) {
      this.#waitFor(view);
      return null;
    }
    if (view.masks.empty) return { kind: 'pass' };
    const plan = planResult(columns, {
      touch: judged?.touch ?? { state: 'clean' },
      byOrigin: (oid, number) => view.masks.byOrigin(oid, number),
      isTainted: (oid) => view.masks.isTainted(oid),
      knowsColumn: (oid, number) => knowsColumn(view, oid, number),
      baseType: (oid) => baseType(view, oid),
      hashKey: session.services.hashKey,
      refreshed: this.#refreshed,
    });
    this.#refreshed = false;
    if (plan.kind !== 'refresh') return plan;
    // When it cannot be read again the keeper vouches for nothing, and the next look at the view says so.
    const refresh = session.services.refreshCatalog(session.facts.connectionName).catch(() => undefined);
    this.#waitFor(refresh.then(() => (this.#refreshed = true)));
    return null;
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

  #dataRow(head: Reply | undefined, bytes: Buffer): Disposal {
    const execution = this.#running(head, Backend.dataRow);
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
        const masked = maskRow(bytes, plan.masks);
        execution.bytes += masked.length - 5;
        this.#session.toClient.append(masked);
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

  /** Rows of a portal nobody described: right for a clean statement, never for one that meets masked data. */
  #planWithoutDescription(execution: Execution, head: Reply | undefined): ResultPlan {
    const portal = head?.op === 'execute' ? head.portal : null;
    if (portal?.plan != null) return portal.plan;
    if (execution.judged.touch.state === 'clean') return { kind: 'pass' };
    return { kind: 'withhold', reason: 'The columns of this result are not described.' };
  }

  #commandComplete(head: Reply | undefined, bytes: Buffer): Disposal {
    const session = this.#session;
    const execution = this.#running(head, Backend.commandComplete);
    const { tag, rows } = decodeCommandTag(bytes);
    if (rows !== null) execution.rows = rows;
    this.#rows = null;
    session.copyIn = null;
    this.#applyToSession(execution, tag);
    // A withheld result did run: what it changed stands, and the record says both.
    session.end(execution, 'done', execution.withheld ? '42501' : null);
    if (head?.op === 'query') head.index++;
    else session.replies.shift();
    return 'pass';
  }

  /** What a statement that completed did to the session itself. */
  #applyToSession(execution: Execution, tag: string): void {
    const session = this.#session;
    if (execution.judged.changesCatalog) session.catalogDirty = true;
    if (tag === 'DISCARD ALL') session.names.discardAll();
    if (tag === 'DEALLOCATE ALL' || tag === 'DISCARD PLANS') session.names.statements.clear();
    const effect = execution.judged.facts.session;
    if (effect?.type === 'deallocate' && effect.name !== null) session.names.statements.delete(effect.name);
    if (effect?.type === 'declare') {
      session.names.cursors.add(effect.name);
      session.names.portals.delete(effect.name);
    }
    if (effect?.type === 'close') {
      if (effect.name === null) session.names.portals.clear();
      else session.names.portals.delete(effect.name);
    }
    execution.onComplete?.();
  }

  #error(head: Reply | undefined, bytes: Buffer): Disposal {
    const session = this.#session;
    const fields = decodeFields(bytes);
    const sqlstate = fields.get('C') ?? 'XX000';
    this.#rows = null;
    session.copyIn = null;
    const muted = this.#muted;
    if (fields.get('V') === 'FATAL' || fields.get('V') === 'PANIC' || head === undefined) {
      this.#emitError(bytes);
      return 'taken';
    }
    if (head.op === 'poison') {
      if (!muted) session.toClient.append(encodeFields(head.error.fields));
    } else if (!muted) this.#emitError(bytes);

    switch (head.op) {
      case 'query': {
        const failed = head.executions[head.index];
        if (failed !== undefined) session.end(failed, 'failed', sqlstate);
        for (const rest of head.executions.slice(head.index + 1)) session.end(rest, 'skipped');
        head.index = head.executions.length;
        return 'taken';
      }
      case 'sync':
        // A deferred constraint or trigger spoke at the implicit commit; ReadyForQuery follows.
        return 'taken';
      case 'execute':
        if (head.execution !== null) session.end(head.execution, 'failed', sqlstate);
        break;
      case 'parse':
        head.change.undo();
        // The server drops the unnamed statement before it reads the new one.
        if (head.name === '') session.names.statements.delete('');
        break;
      case 'bind':
      case 'close':
        head.change.undo();
        break;
      case 'describe':
      case 'poison':
        break;
      default:
        head satisfies never;
    }
    session.replies.shift();
    const { discarded, found } = session.replies.discardToSync();
    for (const reply of discarded) {
      if (reply.op === 'parse' || reply.op === 'bind' || reply.op === 'close') reply.change.undo();
      if (reply.op === 'describe' && reply.portal !== null) reply.portal.described = reply.portal.plan !== null;
      if (reply.op === 'execute' && reply.execution !== null) session.end(reply.execution, 'skipped');
      if (reply.op === 'query') {
        for (const change of reply.changes) change.undo();
        for (const execution of reply.executions) session.end(execution, 'skipped');
      }
    }
    session.skipping = !found;
    return 'taken';
  }

  #emitError(bytes: Buffer): void {
    const taint = this.#taintOf(bytes);
    this.#session.toClient.append(taint === 'none' ? bytes : scrubFields(Backend.errorResponse, bytes, taint));
  }

  /** A statement that names nothing masked can still make a cascade or a trigger fail on a row that is. */
  #taintOf(bytes: Buffer): Taint {
    const session = this.#session;
    if (session.taint !== 'none') return session.taint;
    const view = session.services.view(session.facts);
    if (view instanceof Promise) {
      view.catch(() => undefined);
      return 'masked';
    }
    if (view.masks.empty) return 'none';
    const relation = relationOf(bytes);
    return relation !== null && view.masks.taintedRelations.has(relation) ? 'masked' : 'none';
  }

  #ready(head: Reply | undefined, bytes: Buffer): Disposal {
    const session = this.#session;
    session.status = decodeReadyForQuery(bytes);
    if (head?.op === 'query') {
      for (const change of head.changes) change.done();
      for (const rest of head.executions.slice(head.index)) session.end(rest, 'skipped');
      session.replies.shift();
      // A simple Query is its own Sync; nothing of it is left to answer.
    } else {
      this.#expect(head, 'sync', Backend.readyForQuery);
      session.replies.shift();
    }
    this.#muted = false;
    this.#rows = null;
    session.copyIn = null;
    if (session.status === 'I') {
      session.names.endTransaction();
      // What was forwarded behind this transaction has set its taint already.
      if (session.replies.length === 0) session.taint = 'none';
    }
    if (session.catalogDirty) this.#refreshCatalog();
    return 'pass';
  }

  /** Uncommitted DDL is invisible to the catalog's own connection, so it is read again at every step until the transaction is over. */
  #refreshCatalog(): void {
    const session = this.#session;
    if (session.status === 'I') session.catalogDirty = false;
    const barrier = session.services.refreshCatalog(session.facts.connectionName).finally(() => {
      if (session.catalogBarrier === barrier) session.catalogBarrier = null;
    });
    barrier.catch(() => undefined);
    session.catalogBarrier = barrier;
  }

  #notice(bytes: Buffer): Disposal {
    const taint = this.#taintOf(bytes);
    if (taint === 'none') return 'pass';
    this.#session.toClient.append(scrubFields(Backend.noticeResponse, bytes, taint));
    return 'taken';
  }

  /** A payload is another session's words and may be a masked value; a session under masks learns only that something happened. */
  #notification(bytes: Buffer): Disposal {
    const session = this.#session;
    const view = session.services.view(session.facts);
    // While the catalog is not known neither are the masks; that it cannot be read is told to whoever needs it.
    if (view instanceof Promise) view.catch(() => undefined);
    else if (view.masks.empty) return 'pass';
    const channelEnd = bytes.indexOf(0, 9);
    const writer = new MessageWriter()
      .begin(Backend.notificationResponse)
      .bytes(bytes.subarray(5, channelEnd + 1))
      .cstring('');
    session.toClient.append(writer.end().take());
    return 'taken';
  }

  #parameterStatus(bytes: Buffer): Disposal {
    const { name, value } = decodeParameterStatus(bytes);
    if (name === 'client_encoding' && value !== 'UTF8') throw encodingChanged(name);
    if (name === 'standard_conforming_strings' && value !== 'on') throw encodingChanged(name);
    // Code nobody read may have put a value into a setting that the server reports.
    return this.#session.taint === 'opaque' && name === 'application_name' ? 'taken' : 'pass';
  }
}

/** System columns have negative numbers; 0 is a whole row. */
function knowsColumn(view: SessionView, relationOid: number, attributeNumber: number): boolean {
  const relation = view.catalog.relations.get(relationOid);
  return relation !== undefined && (attributeNumber <= 0 || relation.columns.some((column) => column.number === attributeNumber));
}

function baseType(view: SessionView, typeOid: number): number {
  let oid = typeOid;
  for (let depth = 0; depth < 32; depth++) {
    const type = view.catalog.types.get(oid);
    if (type?.type !== 'd') return oid;
    oid = type.baseOid;
  }
  return oid;
}
