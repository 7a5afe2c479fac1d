import { randomBytes } from 'node:crypto';
import type { Judgement } from '../policy/judge';
import {
  encodeFields,
  functionCallNotAllowed,
  noSuchPortal,
  noSuchStatement,
  protocolViolation,
  statementNotAnalyzed,
  statementTooLarge,
  tooManyNames,
  WireError,
} from '../wire/errors';
import {
  type BindMessage,
  decodeBind,
  decodeExecute,
  decodeParse,
  decodeTarget,
  decodeText,
  type FrontendFrame,
  FrontendFramer,
  type ParseMessage,
} from '../wire/frontend';
import { Frontend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { judgedError } from './denial';
import { type Effective, effectiveOf } from './effective';
import { type Execution, newExecution } from './execution';
import { HeldStatement } from './held';
import type { Portal, PreparedStatement } from './names';
import { showParameters } from './parameters';
import type { Session, SessionView } from './session';

/** Bytes that may wait unread in front of a held statement before the client is paused. */
const HELD_BACKLOG_BYTES = 1024 * 1024;
/** How long one session may keep the process to itself. */
const TURN_MS = 10;
/** Prepared texts and bound parameters one session may keep. */
const MAX_NAMES_BYTES = 128 * 1024 * 1024;
/** Messages that may wait for an answer before the client is paused. */
const MAX_OWED = 10_000;

const SYNC = Buffer.from([Frontend.sync, 0, 0, 0, 4]);
const FLUSH = Buffer.from([Frontend.flush, 0, 0, 0, 4]);
const TERMINATE = Buffer.from([Frontend.terminate, 0, 0, 0, 4]);

/**
 * Client → server: judges each message before its bytes go on. One message at a time, in order; what has to wait (a held statement,
 * a catalog being read) makes everything behind it wait.
 */
export class FrontendFlow {
  readonly #session: Session;
  readonly #framer: FrontendFramer;
  /** A statement name nobody has: describing it fails at exactly this place of the pipeline, as PostgreSQL itself would fail. */
  readonly #poisonName = `gatehouse refused ${randomBytes(9).toString('base64url')}`;
  #busy = false;
  #ended = false;
  #held: HeldStatement | null = null;
  #cancelBarrier: Promise<void> | null = null;
  #yielded = false;
  /** Counts Syncs: what stands between two of them fails or succeeds together. */
  #batch = 0;
  #lastJudged: { sql: string; view: SessionView; searchPathKnown: boolean; judgement: Judgement } | null = null;

  constructor(session: Session) {
    this.#session = session;
    const { statementBytes, bindBytes } = session.services.limits;
    this.#framer = new FrontendFramer((type) => (type === Frontend.bind ? bindBytes : statementBytes));
  }

  get holding(): boolean {
    return this.#held !== null;
  }

  push(chunk: Buffer): void {
    this.#framer.push(chunk);
    this.pump();
    if ((this.#busy || this.#yielded) && this.#framer.bufferedBytes > HELD_BACKLOG_BYTES) this.#session.client.pause();
  }

  /** The client will send nothing more. What runs is finished for it; what is held is withdrawn. */
  ended(): void {
    this.#ended = true;
    if (this.#held !== null) this.#session.close('client left while its statement was held');
    else this.pump();
  }

  /** Works through what has arrived, as far as it may. */
  pump(): void {
    const session = this.#session;
    if (this.#yielded) return;
    const startedMs = performance.now();
    while (!this.#busy && !session.closed && !session.ending) {
      if (performance.now() - startedMs > TURN_MS) {
        this.#yield();
        break;
      }
      // A client that does not read its answers gets no more of them, those the gateway gives by itself included.
      if (session.replies.length > MAX_OWED || session.upstream.writableNeedDrain || session.client.writableNeedDrain) {
        session.client.pause();
        break;
      }
      const frame = this.#framer.next();
      if (frame === null) {
        session.client.resume();
        if (this.#ended) this.#goodbye();
        break;
      }
      const work = this.#handle(frame);
      if (work === undefined) continue;
      this.#busy = true;
      session.toUpstream.flush();
      work.then(
        () => {
          this.#busy = false;
          session.guard(() => this.pump());
        },
        (error: unknown) => session.failWith(error),
      );
    }
    session.toUpstream.flush();
  }

  /** Lets the other sessions of this process have their turn. */
  #yield(): void {
    this.#yielded = true;
    setImmediate(() => {
      this.#yielded = false;
      this.#session.guard(() => this.pump());
    });
  }

  cancel(): void {
    const session = this.#session;
    if (this.#held !== null) return this.#held.cancel();
    // A late cancel must not hit the next statement: nothing new is forwarded until the server has dealt with it.
    if (session.replies.length === 0 || this.#cancelBarrier !== null) return;
    const barrier = session.services
      .cancelUpstream()
      .catch(() => undefined)
      .finally(() => {
        this.#cancelBarrier = null;
      });
    this.#cancelBarrier = barrier;
  }

  withdraw(): void {
    this.#held?.gone();
  }

  #goodbye(): void {
    const session = this.#session;
    session.ending = true;
    if (session.replies.length === 0) return session.close('client closed the connection');
    session.toUpstream.append(TERMINATE);
    session.toUpstream.flush();
  }

  /** One frame; a promise when it has to wait. Errors of one statement become its answer, anything else ends the session. */
  #handle(frame: FrontendFrame): void | Promise<void> {
    const isQuery = frame.kind !== 'copyData' && (frame.type === Frontend.query || frame.type === Frontend.functionCall);
    const refuse = (error: unknown) => {
      if (!(error instanceof WireError) || error.fatal) throw error;
      // While this message waited, one before it failed: the server ignores it too.
      if (this.#session.skipping || this.#session.closed) return;
      if (isQuery) this.#denyQuery(error);
      else this.#poison(error);
    };
    try {
      return this.#dispatch(frame)?.catch(refuse);
    } catch (error) {
      return refuse(error);
    }
  }

  #dispatch(frame: FrontendFrame): void | Promise<void> {
    const session = this.#session;
    const copies = frame.kind === 'copyData' || frame.type === Frontend.copyDone || frame.type === Frontend.copyFail;
    if (copies && session.copyIn === null && session.replies.length > 0 && !session.skipping) {
      // Data sent without waiting for the server to ask for it: whether it does is known once it has answered.
      session.toUpstream.append(FLUSH);
      session.toUpstream.flush();
      return session.whenCopying().then(() => (session.closed ? undefined : this.#copyFrame(frame)));
    }
    if (copies) return this.#copyFrame(frame);
    // What the server would ignore is not sent at all.
    if (session.skipping && frame.type !== Frontend.sync && frame.type !== Frontend.terminate) return;
    if (frame.kind === 'oversize') throw statementTooLarge(frame.sizeBytes, session.services.limits.statementBytes);
    const { type, bytes } = frame;
    switch (type) {
      case Frontend.query:
        return this.#query(bytes);
      case Frontend.parse:
        return this.#parse(bytes);
      case Frontend.bind:
        return this.#bind(bytes);
      case Frontend.execute:
        return this.#withView((view) => this.#execute(bytes, view));
      case Frontend.describe:
        return this.#describe(bytes);
      case Frontend.close:
        return this.#close(bytes);
      case Frontend.sync:
        // Inside COPY the server ignores Sync.
        if (session.copyIn === null) session.replies.push({ op: 'sync' });
        session.skipping = false;
        session.unsynced = false;
        this.#batch++;
        session.toUpstream.append(bytes);
        return;
      case Frontend.flush:
        session.toUpstream.append(bytes);
        return;
      case Frontend.terminate:
        return this.#goodbye();
      case Frontend.functionCall:
        throw functionCallNotAllowed();
      default:
        throw protocolViolation(`message 0x${type.toString(16)} is not allowed here`);
    }
  }

  /** Outside COPY the server ignores such messages, so they are not sent at all. */
  #copyFrame(frame: FrontendFrame): void {
    const session = this.#session;
    if (session.copyIn === null) return;
    if (frame.kind === 'oversize') throw statementTooLarge(frame.sizeBytes, session.services.limits.statementBytes);
    if (frame.kind === 'message') session.copyIn = null;
    session.toUpstream.append(frame.bytes);
  }

  /** Everything that decides sees one consistent view; while the catalog or a cancel is under way, it waits. */
  #withView(step: (view: SessionView) => void | Promise<void>): void | Promise<void> {
    const session = this.#session;
    // Whatever failed meanwhile, the server ignores this message now.
    const again = () => (session.skipping || session.closed ? undefined : this.#withView(step));
    const barrier = session.catalogBarrier ?? this.#cancelBarrier ?? this.#unsettled();
    if (barrier !== null) return barrier.then(again, again);
    const view = session.services.view(session.facts);
    return view instanceof Promise ? view.then(again) : step(view);
  }

  /** Names and catalog are not what they were once a statement that changes them is on its way: its answer is awaited. */
  #unsettled(): Promise<void> | null {
    const session = this.#session;
    const settled = session.unsettled.size === 0;
    if (settled && !(session.catalogDirty && session.replies.length > 0)) return null;
    session.toUpstream.append(FLUSH);
    session.toUpstream.flush();
    return settled ? session.whenAnswered() : session.whenSettled();
  }

  /**
   * A name the snapshot does not have may be a relation made a moment ago by someone else, masked columns and all: the catalog is read
   * again before such a text is judged. What this session makes in its own open transaction is invisible to that reading, so it is not tried.
   */
  #withNames(sql: string, step: (view: SessionView) => void | Promise<void>): void | Promise<void> {
    const session = this.#session;
    return this.#withView((view) => {
      if (view.policy.masking.length === 0 || session.catalogDirty || !namesUnknown(this.#judge(sql, view), view)) return step(view);
      return session.services
        .refreshCatalog(session.facts.connectionName)
        .catch(() => undefined)
        .then(() => this.#withView((now) => (session.skipping || session.closed ? undefined : step(now))));
    });
  }

  /** One text is judged at Parse, at Bind and before each; while nothing it depends on has moved, once is enough. */
  /** EXECUTE and FETCH mean what their names mean when they run: nothing that may change those is still on its way. */
  #usesNames(sql: string, view: SessionView): boolean {
    if (this.#session.replies.length === 0) return false;
    return this.#judge(sql, view).statements.some(({ facts }) => facts.session?.type === 'execute' || facts.session?.type === 'fetch');
  }

  #whenAnswered(step: () => void | Promise<void>): Promise<void> {
    const session = this.#session;
    session.toUpstream.append(FLUSH);
    session.toUpstream.flush();
    return session.whenAnswered().then(() => (session.skipping || session.closed ? undefined : step()));
  }

  #judge(sql: string, view: SessionView): Judgement {
    const { services, searchPathKnown } = this.#session;
    const last = this.#lastJudged;
    if (last !== null && last.sql === sql && last.view === view && last.searchPathKnown === searchPathKnown) return last.judgement;
    const judgement = services.judge(sql, view, searchPathKnown);
    this.#lastJudged = view.timeless ? { sql, view, searchPathKnown, judgement } : null;
    return judgement;
  }

  #effective(sql: string, view: SessionView): { effective: Effective; analysisMs: number } {
    const startMs = performance.now();
    const { names } = this.#session;
    const effective = effectiveOf(this.#judge(sql, view), names, {
      judge: (text) => this.#judge(text, view),
      cursorsMustBeKnown: !view.masks.empty,
    });
    return { effective, analysisMs: performance.now() - startMs };
  }

  /** What binding a prepared statement would run. A PREPARE is judged as what it prepared, without the leave it has when it only prepares. */
  #effectiveOf(statement: PreparedStatement, view: SessionView): { effective: Effective; analysisMs: number } {
    if (!statement.bySql) return this.#effective(statement.sql, view);
    const startMs = performance.now();
    return { effective: { ...this.#judge(statement.sql, view), runs: [] }, analysisMs: performance.now() - startMs };
  }

  #query(bytes: Buffer): void | Promise<void> {
    const sql = decodeText(bytes);
    return this.#withNames(sql, (view) => this.#runQuery(bytes, sql, view));
  }

  #runQuery(bytes: Buffer, sql: string, view: SessionView): void | Promise<void> {
    if (this.#usesNames(sql, view)) return this.#whenAnswered(() => this.#withView((now) => this.#runQuery(bytes, sql, now)));
    const { effective, analysisMs } = this.#effective(sql, view);
    const executions = effective.statements.map((judged) => newExecution(judged, { protocol: 'simple', parameters: [], analysisMs }));
    this.#followNames(executions);
    switch (effective.action) {
      case 'deny':
        throw this.#denied(executions, view);
      case 'hold':
        return this.#hold(sql, executions, view).then((error) => {
          if (error === 'skipped') return;
          if (error !== null) throw error;
          for (const execution of executions) this.#session.released(execution);
          this.#forwardQuery(bytes, executions, view);
        });
      case 'allow':
        this.#session.begin(executions, view, 'running');
        return this.#forwardQuery(bytes, executions, view);
      default:
        effective.action satisfies never;
    }
  }

  #forwardQuery(bytes: Buffer, executions: readonly Execution[], view: SessionView): void {
    const session = this.#session;
    for (const execution of executions) this.#mark(execution, view);
    session.unsynced = false;
    session.replies.push({ op: 'query', executions, index: 0, changes: session.names.dropUnnamed(this.#batch) });
    session.toUpstream.append(bytes);
  }

  #parse(bytes: Buffer): void | Promise<void> {
    const message = decodeParse(bytes);
    return this.#withNames(message.sql, (view) => this.#prepare(bytes, message, view));
  }

  #prepare(bytes: Buffer, { name, sql, parameterTypes }: ParseMessage, view: SessionView): void {
    const session = this.#session;
    const judgement = this.#judge(sql, view);
    // A held statement may be prepared: preparing runs nothing. It is held when it is bound.
    if (judgement.action === 'deny') {
      if (name === '') session.names.statements.forget('');
      throw this.#denied(
        judgement.statements.map((judged) => newExecution(judged, { protocol: 'extended', parameters: [], analysisMs: 0 })),
        view,
      );
    }
    const { statements } = session.names;
    if (statements.bytes > MAX_NAMES_BYTES) throw tooManyNames();
    const change = statements.change(name, { name, sql, bySql: false, parameterTypes, judgement, columns: null }, this.#batch);
    session.replies.push({ op: 'parse', name, change });
    this.#forwardExtended(bytes);
  }

  #bind(bytes: Buffer): void | Promise<void> {
    const message = decodeBind(bytes);
    return this.#withView(() => {
      if (this.#session.names.statements.isUnsure(message.statement, this.#batch)) return this.#whenAnswered(() => this.#bind(bytes));
      const statement = this.#session.names.statements.get(message.statement);
      if (statement === undefined) throw noSuchStatement(message.statement);
      return this.#withNames(statement.sql, (view) => this.#open(bytes, message, statement, view));
    });
  }

  #forwardExtended(bytes: Buffer): void {
    this.#session.unsynced = true;
    this.#session.toUpstream.append(bytes);
  }

  #open(bytes: Buffer, bind: BindMessage, statement: PreparedStatement, view: SessionView): void | Promise<void> {
    const session = this.#session;
    if (this.#usesNames(statement.sql, view)) return this.#whenAnswered(() => this.#bind(bytes));
    // Judged again: policy, catalog and names may have changed since Parse, and the server plans anew too.
    const { effective, analysisMs } = this.#effectiveOf(statement, view);
    const portal: Portal = {
      name: bind.portal,
      statement,
      judgement: effective,
      parameters: showParameters(bind.parameters, bind.parameterFormats, statement.parameterTypes),
      approved: false,
      policyVersion: view.policy.version,
      described: false,
      plan: null,
      pending: null,
      analysisMs,
    };
    const forward = () => {
      if (session.names.portals.bytes > MAX_NAMES_BYTES) throw tooManyNames();
      const change = session.names.portals.change(portal.name, portal, this.#batch);
      const [judged] = effective.statements;
      if (judged !== undefined) this.#taint(judged, view);
      session.replies.push({ op: 'bind', change });
      this.#forwardExtended(bytes);
    };
    if (effective.action === 'allow') return forward();
    const [execution] = this.#executionsOf(portal);
    if (execution === undefined) return forward();
    if (effective.action === 'deny') throw this.#denied([execution], view);
    return this.#hold(statement.sql, [execution], view).then((error) => {
      if (error === 'skipped') return;
      if (error !== null) throw error;
      portal.pending = execution;
      portal.approved = true;
      forward();
    });
  }

  #executionsOf(portal: Portal): Execution[] {
    const executions = portal.judgement.statements.map((judged) =>
      newExecution(judged, {
        protocol: 'extended',
        parameters: portal.parameters,
        analysisMs: portal.analysisMs,
      }),
    );
    this.#followNames(executions);
    return executions;
  }

  #execute(bytes: Buffer, view: SessionView): void | Promise<void> {
    const session = this.#session;
    const { portal: name } = decodeExecute(bytes);
    if (session.names.portals.isUnsure(name, this.#batch))
      return this.#whenAnswered(() => this.#withView((now) => this.#execute(bytes, now)));
    const portal = session.names.portals.get(name);
    if (portal === undefined) throw noSuchPortal(name);
    this.#judgeAgain(portal, view);
    // The statement that was held at Bind is recorded already; every further Execute of the portal is a run of its own.
    const held = portal.pending;
    const execution = held ?? this.#executionsOf(portal)[0];
    portal.pending = null;
    if (execution === undefined) {
      session.replies.push({ op: 'execute', execution: null, portal });
      this.#forwardExtended(bytes);
      return;
    }
    if (held === null) session.begin([execution], view, 'running');
    else session.released(held);
    this.#mark(execution, view);
    if (execution.judged.touch.state !== 'clean' && !portal.described) {
      // Without its own description a result that meets masked data has no origins to be masked by.
      portal.described = true;
      session.replies.push({ op: 'describe', statement: null, portal, local: true });
      session.toUpstream.append(new MessageWriter().begin(Frontend.describe).int8(0x50).cstring(name).end().take());
    }
    session.replies.push({ op: 'execute', execution, portal });
    this.#forwardExtended(bytes);
  }

  /** Between Bind and Execute the policy may have moved, and what an EXECUTE names may have become another statement. */
  #judgeAgain(portal: Portal, view: SessionView): void {
    const { runs } = portal.judgement;
    if (portal.policyVersion === view.policy.version && runs.length === 0) return;
    const { effective } = this.#effectiveOf(portal.statement, view);
    const moved = portal.policyVersion !== view.policy.version;
    portal.policyVersion = view.policy.version;
    if (effective.runs.join('\0') !== runs.join('\0'))
      throw statementNotAnalyzed('What the portal executes has changed since it was bound.');
    portal.judgement = effective;
    if (effective.action === 'deny') throw this.#denied(this.#executionsOf(portal), view);
    if (effective.action === 'hold' && !portal.approved)
      throw statementNotAnalyzed('The policy has changed since the portal was bound; bind it again.');
    if (moved) portal.described = false;
  }

  #describe(bytes: Buffer): void {
    const { names, replies } = this.#session;
    const { target, name } = decodeTarget(bytes);
    const statement: PreparedStatement | null = target === 'S' ? (names.statements.get(name) ?? null) : null;
    const portal = target === 'P' ? (names.portals.get(name) ?? null) : null;
    if (portal !== null) portal.described = true;
    replies.push({ op: 'describe', statement, portal, local: false });
    this.#forwardExtended(bytes);
  }

  #close(bytes: Buffer): void {
    const { names, replies } = this.#session;
    const { target, name } = decodeTarget(bytes);
    const change =
      target === 'S' ? names.statements.change(name, undefined, this.#batch) : names.portals.change(name, undefined, this.#batch);
    replies.push({ op: 'close', change });
    this.#forwardExtended(bytes);
  }

  /** SQL PREPARE gives a name only once the server says it did. */
  #followNames(executions: readonly Execution[]): void {
    const { names } = this.#session;
    for (const execution of executions) {
      const effect = execution.judged.facts.session;
      if (effect?.type !== 'prepare') continue;
      const { text } = execution.judged.facts;
      execution.onComplete = () =>
        names.statements.set(effect.name, {
          name: effect.name,
          sql: text,
          bySql: true,
          parameterTypes: [],
          judgement: { statements: [execution.judged], action: execution.judged.verdict.action },
          columns: null,
        });
    }
  }

  #mark(execution: Execution, view: SessionView): void {
    execution.startedMs = performance.now();
    const { session, effects, functions } = execution.judged.facts;
    const setsPath = session?.type === 'set' && (session.name === 'search_path' || session.name === 'all');
    if (setsPath || effects.has('opaque') || functions.some((called) => called.name === 'set_config'))
      this.#session.searchPathKnown = false;
    if (execution.judged.changesCatalog || (session !== null && NAMING.has(session.type))) this.#session.unsettled.add(execution);
    this.#taint(execution.judged, view);
  }

  /** From here to the end of the transaction the server's words may hold masked values. */
  #taint(judged: Execution['judged'], view: SessionView): void {
    const session = this.#session;
    if (view.masks.empty) return;
    if (judged.facts.effects.has('opaque')) session.taint = 'opaque';
    else if (judged.touch.state !== 'clean' && session.taint === 'none') session.taint = 'masked';
  }

  #denied(executions: readonly Execution[], view: SessionView): WireError {
    const error = judgedError(executions);
    this.#session.begin(executions, view, 'denied', error.fields.sqlstate);
    for (const execution of executions) execution.ended = true;
    return error;
  }

  /** Null when it may run; an error to answer with; 'skipped' when something before it failed and the server ignores it. */
  async #hold(sql: string, executions: readonly Execution[], view: SessionView): Promise<WireError | null | 'skipped'> {
    const session = this.#session;
    if (session.replies.length > 0) {
      session.toUpstream.append(FLUSH);
      session.toUpstream.flush();
      await session.whenAnswered();
      if (session.skipping || session.closed) return 'skipped';
    }
    const held = new HeldStatement(session, sql, executions, view);
    this.#held = held;
    try {
      const error = await held.wait();
      if (error !== null || session.closed) return session.closed ? 'skipped' : error;
      // What was approved is judged again: a rule that denies by now still denies.
      const now = await session.services.view(session.facts);
      return this.#effective(sql, now).effective.action === 'deny' ? this.#denied(executions, now) : null;
    } finally {
      this.#held = null;
    }
  }

  /** Makes the server fail here, so that both sides are in the state PostgreSQL gives a failed statement; our error takes the place of its. */
  #poison(error: WireError): void {
    const session = this.#session;
    session.replies.push({ op: 'poison', error });
    session.toUpstream.append(new MessageWriter().begin(Frontend.describe).int8(0x53).cstring(this.#poisonName).end().take());
    session.skipping = true;
  }

  #denyQuery(error: WireError): void {
    const session = this.#session;
    if (session.skipping) return;
    session.names.statements.forget('');
    session.names.portals.forget('');
    // Outside a transaction with nothing under way the server has no part in this.
    if (session.status === 'I' && session.replies.length === 0 && !session.unsynced) {
      session.toClient.append(encodeFields(error.fields));
      session.toClient.append(READY_IDLE);
      session.toClient.flush();
      return;
    }
    this.#poison(error);
    session.replies.push({ op: 'sync' });
    session.skipping = false;
    session.unsynced = false;
    this.#batch++;
    session.toUpstream.append(SYNC);
  }
}

/** Effects on names that only the server's answer makes sure. */
const NAMING: ReadonlySet<string> = new Set(['prepare', 'deallocate', 'discard', 'declare', 'close']);

/** Names of CTEs and of the session's own cursors are no relations; what remains must be in the catalog. */
function namesUnknown(judgement: Judgement, view: SessionView): boolean {
  return judgement.statements.some((statement) =>
    statement.facts.relations.some((relation) => !view.catalog.relationsByName.has(relation.name)),
  );
}

const READY_IDLE = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
