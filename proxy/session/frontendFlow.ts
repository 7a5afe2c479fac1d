import { randomBytes } from 'node:crypto';
import { encodeFields, messageTooLarge, protocolViolation, statementTooLarge, WireError } from '../wire/errors';
import { type FrontendFrame, FrontendFramer, MAX_WHOLE_BYTES } from '../wire/framer';
import { decodeCopyFail, decodeText, expectNoBody } from '../wire/frontend';
import type { LongBindRest } from '../wire/longBind';
import { Frontend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { withPrepared } from './effective';
import { type Execution, newExecution } from './execution';
import { ExtendedQuery } from './extendedQuery';
import { FunctionCalls } from './functionCall';
import { Judging, UnparsedText } from './judging';
import type { Session, SessionView } from './session';
import { UnknownName } from './unknownName';
import { Verdicts } from './verdicts';

/** Bytes that may wait behind a message that is being dealt with before the client is paused. */
const BACKLOG_BYTES = 1024 * 1024;
const HELD_BACKLOG_BYTES = 4 * 1024 * 1024;
/** How long one session may keep the process to itself. */
const TURN_MS = 10;
/** Messages that may wait for an answer before the client is paused. */
const MAX_OWED = 10_000;

const LEFT_WHILE_HELD = 'client left while its statement was held';

const SYNC = Buffer.from([Frontend.sync, 0, 0, 0, 4]);
const TERMINATE = Buffer.from([Frontend.terminate, 0, 0, 0, 4]);

/**
 * Client → server: judges each message before its bytes go on. One message at a time, in order; what has to wait (a held statement,
 * a catalog being read) makes everything behind it wait.
 */
export class FrontendFlow {
  readonly #session: Session;
  readonly #framer: FrontendFramer;
  readonly #judging: Judging;
  readonly #verdicts: Verdicts;
  readonly #extended: ExtendedQuery;
  readonly #functionCalls: FunctionCalls;
  /** A statement name nobody has: describing it fails at exactly this place of the pipeline, as PostgreSQL itself would fail. */
  readonly #poisonName = `gatehouse refused ${randomBytes(9).toString('base64url')}`;
  #busy = false;
  #ended = false;
  #yielded = false;
  /** The message that arrives in pieces now was forwarded from its beginning, so the rest goes on too. */
  #piecesGoOn = false;
  /** Checks what is left of a Bind that arrives in pieces. */
  #longBind: LongBindRest | null = null;

  constructor(session: Session) {
    this.#session = session;
    this.#judging = new Judging(session);
    this.#verdicts = new Verdicts(session, this.#judging, () => this.#onHold());
    this.#extended = new ExtendedQuery(session, this.#judging, this.#verdicts);
    this.#functionCalls = new FunctionCalls(session, this.#judging, this.#verdicts);
    this.#framer = new FrontendFramer((type) => this.#limitOf(type));
  }

  #limitOf(type: number): number {
    const { statementBytes, messageBytes } = this.#session.services.limits();
    if (type === Frontend.bind || type === Frontend.copyData) return messageBytes;
    return type === Frontend.functionCall ? Math.min(messageBytes, MAX_WHOLE_BYTES) : statementBytes;
  }

  get holding(): boolean {
    return this.#verdicts.held !== null;
  }

  push(chunk: Buffer): void {
    this.#framer.push(chunk);
    this.pump();
    // Terminate is the last a client sends, so it stands at the end of what has arrived.
    if (this.holding && chunk.length >= TERMINATE.length && chunk.subarray(-TERMINATE.length).equals(TERMINATE)) this.#endIfGone();
    const limit = this.holding ? HELD_BACKLOG_BYTES : BACKLOG_BYTES;
    if ((this.#busy || this.#yielded) && this.#framer.bufferedBytes > limit) this.#session.client.pause();
  }

  /** While a statement is held only what the client sends tells that it has gone, so more is read ahead. */
  #onHold(): void {
    this.#session.client.resume();
    this.#endIfGone();
  }

  #endIfGone(): void {
    if (this.#ended || this.#framer.saysTerminate()) this.#session.close(LEFT_WHILE_HELD);
  }

  /** The client will send nothing more. What runs is finished for it; what is held is withdrawn. */
  ended(): void {
    this.#ended = true;
    if (this.holding) this.#session.close(LEFT_WHILE_HELD);
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
      if (session.protocol.owed > MAX_OWED || session.upstream.writableNeedDrain || session.client.writableNeedDrain) {
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
          session.cancelledWaiting = false;
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

  cancel(): Promise<void> {
    const session = this.#session;
    if (this.#verdicts.held !== null) this.#verdicts.held.cancel();
    else if (session.protocol.owed > 0) return this.#cancelUpstream();
    // Nothing runs at the server, and what has not been sent yet need not be.
    else if (this.#busy) session.cancelledWaiting = true;
    return Promise.resolve();
  }

  /** A late cancel must not hit the next statement: nothing new is forwarded until the server has dealt with it. */
  #cancelUpstream(): Promise<void> {
    const session = this.#session;
    session.cancelBarrier ??= session.services
      .cancelUpstream()
      .catch(() => undefined)
      .finally(() => {
        session.cancelBarrier = null;
      });
    return session.cancelBarrier;
  }

  withdraw(): void {
    this.#verdicts.held?.gone();
  }

  #goodbye(): void {
    const session = this.#session;
    session.ending = true;
    if (session.protocol.owed === 0) return session.close('client closed the connection');
    session.toUpstream.append(TERMINATE);
    session.toUpstream.flush();
  }

  /** One frame; a promise when it has to wait. Errors of one statement become its answer, anything else ends the session. */
  #handle(frame: FrontendFrame): void | Promise<void> {
    const refuse = (error: unknown) => this.#refuse(frame, error);
    try {
      return this.#dispatch(frame)?.catch(refuse);
    } catch (error) {
      return refuse(error);
    }
  }

  #refuse(frame: FrontendFrame, error: unknown): void | Promise<void> {
    const { protocol, closed } = this.#session;
    const known = error instanceof UnparsedText || error instanceof UnknownName || (error instanceof WireError && !error.fatal);
    if (!known) throw error;
    // While this message waited, one before it failed: the server ignores it too.
    if (protocol.skipping || closed) return;
    const ownSync = frame.kind !== 'more' && isOwnSync(frame.type);
    // A Sync of ours would end the server's skipping, and a Query that PostgreSQL ignores would be answered.
    if (ownSync && protocol.mayBeSkipping) return this.#judging.whenAnswered(() => this.#refuse(frame, error));
    const dropsUnnamed = takesUnnamed(frame);
    if (error instanceof UnparsedText) {
      if (frame.kind !== 'message') throw error;
      try {
        return this.#askServer(error, frame.type, dropsUnnamed);
      } catch (unrecorded) {
        return this.#refuse(frame, unrecorded);
      }
    }
    if (error instanceof UnknownName) this.#failOnName(error, dropsUnnamed);
    else if (ownSync && protocol.atRest) return this.#answerRefused(error, dropsUnnamed);
    else this.#poison(error, dropsUnnamed);
    if (ownSync) this.#sync();
  }

  #dispatch(frame: FrontendFrame): void | Promise<void> {
    const session = this.#session;
    if (frame.kind === 'more') return this.#more(frame.bytes, frame.last);
    this.#piecesGoOn = false;
    switch (session.protocol.admit(frame.type)) {
      case 'ignored':
        return;
      case 'wait':
        session.askForAnswers();
        return session.whenCopying().then(() => (session.closed ? undefined : this.#dispatch(frame)));
      case 'taken':
        break;
    }
    switch (frame.kind) {
      case 'message':
        return this.#message(frame.type, frame.bytes);
      case 'head':
        return this.#head(frame);
      case 'oversize':
        return this.#oversize(frame);
      default:
        frame satisfies never;
    }
  }

  /** A message that passes in pieces. */
  #head({ type, bytes, sizeBytes }: Extract<FrontendFrame, { kind: 'head' }>): void | Promise<void> {
    if (type !== Frontend.bind) {
      this.#piecesGoOn = true;
      this.#session.toUpstream.append(bytes);
      return;
    }
    return this.#extended.bindLong(bytes, sizeBytes, {
      forwarded: (rest) => {
        this.#longBind = rest;
        this.#piecesGoOn = true;
      },
      wantWhole: () => this.#framer.wantWhole(bytes),
    });
  }

  /** The rest of a message whose beginning the server has must reach it, whatever it answered meanwhile: it reads on to its end. */
  #more(bytes: Buffer, last: boolean): void {
    if (!this.#piecesGoOn) return;
    this.#longBind?.push(bytes);
    if (last) this.#longBind = null;
    this.#session.toUpstream.append(bytes);
  }

  #oversize({ type, sizeBytes }: Extract<FrontendFrame, { kind: 'oversize' }>): void {
    const limit = this.#limitOf(type);
    const refusal = type === Frontend.query || type === Frontend.parse ? statementTooLarge : messageTooLarge;
    const error = refusal(sizeBytes, Math.min(limit, type === Frontend.bind && sizeBytes < limit ? MAX_WHOLE_BYTES : limit));
    if (type !== Frontend.copyData) throw error;
    // COPY ends as if the client itself had given up.
    this.#session.protocol.sentCopyEnd();
    this.#session.toUpstream.append(new MessageWriter().begin(Frontend.copyFail).cstring(error.message).end().take());
  }

  #message(type: number, bytes: Buffer): void | Promise<void> {
    const session = this.#session;
    switch (type) {
      case Frontend.query:
        return this.#query(bytes);
      case Frontend.parse:
        return this.#extended.parse(bytes);
      case Frontend.bind:
        return this.#extended.bind(bytes);
      case Frontend.execute:
        return this.#extended.execute(bytes);
      case Frontend.describe:
        return this.#extended.describe(bytes);
      case Frontend.close:
        return this.#extended.close(bytes);
      case Frontend.sync:
        expectNoBody(bytes);
        session.protocol.sentSync();
        session.toUpstream.append(bytes);
        return;
      case Frontend.copyDone:
      case Frontend.copyFail:
        if (type === Frontend.copyFail) decodeCopyFail(bytes);
        else expectNoBody(bytes);
        session.protocol.sentCopyEnd();
        session.toUpstream.append(bytes);
        return;
      case Frontend.flush:
        expectNoBody(bytes);
        session.toUpstream.append(bytes);
        return;
      case Frontend.terminate:
        return this.#goodbye();
      case Frontend.functionCall:
        return this.#functionCalls.call(bytes);
      default:
        throw protocolViolation(`message 0x${type.toString(16)} is not allowed here`);
    }
  }

  #query(bytes: Buffer): void | Promise<void> {
    const sql = decodeText(bytes);
    return this.#judging.withNames(sql, (view) => this.#runQuery(bytes, sql, view));
  }

  #runQuery(bytes: Buffer, sql: string, view: SessionView): void | Promise<void> {
    if (this.#judging.usesNames(sql, view))
      return this.#judging.whenAnswered(() => this.#judging.withView((now) => this.#runQuery(bytes, sql, now)));
    const { effective, analysisMs } = this.#judging.effective(sql, view);
    const executions = effective.statements.map((judged) => newExecution(judged, { protocol: 'simple', parameters: [], analysisMs }));
    this.#verdicts.followNames(executions);
    switch (effective.action) {
      case 'deny':
        throw this.#verdicts.denied(executions, view);
      case 'hold':
        return this.#verdicts.hold(withPrepared(sql, effective.runs), executions, view).then((error) => {
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
    for (const execution of executions) this.#verdicts.mark(execution, view);
    session.protocol.sentQuery(executions);
    session.toUpstream.append(bytes);
  }

  /** Makes the server fail here, so that both sides are in the state PostgreSQL gives a failed statement; our error takes the place of its. */
  #poison(error: WireError, dropsUnnamed: boolean): void {
    this.#session.protocol.sentPoison({ kind: 'ours', error }, dropsUnnamed);
    this.#session.toUpstream.append(new MessageWriter().begin(Frontend.describe).int8(0x53).cstring(this.#poisonName).end().take());
  }

  /** A name nobody has: the server says so itself, of a name that it surely does not have. Unnamed, it is made sure that it does not. */
  #failOnName({ target, given }: UnknownName, dropsUnnamed: boolean): void {
    const { protocol, toUpstream } = this.#session;
    const letter = target === 'statement' ? 'S' : 'P';
    const name = given === '' ? '' : this.#poisonName;
    const writer = new MessageWriter();
    if (given === '') {
      protocol.sentClose(letter, '', true);
      writer.begin(Frontend.close).int8(letter.charCodeAt(0)).cstring('').end();
    }
    protocol.sentPoison({ kind: 'renamed', from: name, to: given }, dropsUnnamed);
    if (target === 'statement') writer.begin(Frontend.describe).int8(0x53).cstring(name).end();
    else writer.begin(Frontend.execute).cstring(name).int32(0).end();
    toUpstream.append(writer.take());
  }

  /**
   * A text that is no SQL to our grammar never runs. The server parses it, under a name of ours, for its own words on what is wrong; if it
   * finds nothing wrong, it is newer than our grammar, and what it would run is not known: the statement is taken away again and refused.
   */
  #askServer(text: UnparsedText, type: number, dropsUnnamed: boolean): void {
    const { protocol, toUpstream } = this.#session;
    const refusal = this.#verdicts.unparsed(text, type === Frontend.parse ? 'extended' : 'simple');
    const probe = new MessageWriter().begin(Frontend.parse).cstring(this.#poisonName).cstring(text.sql).int16(0).end();
    probe.begin(Frontend.close).int8(0x53).cstring(this.#poisonName).end();
    protocol.sentProbe(dropsUnnamed);
    protocol.sentClose('S', this.#poisonName, true);
    toUpstream.append(probe.take());
    this.#poison(refusal, false);
    if (type === Frontend.query) this.#sync();
  }

  #sync(): void {
    this.#session.protocol.sentSync();
    this.#session.toUpstream.append(SYNC);
  }

  /** With nothing under way the server has no part in a refused Query. */
  #answerRefused(error: WireError, dropsUnnamed: boolean): void {
    const { protocol, toClient } = this.#session;
    if (dropsUnnamed) protocol.forgetUnnamed();
    toClient.append(encodeFields(error.fields));
    toClient.append(READY_IDLE);
    toClient.flush();
  }
}

/** A simple Query and a FunctionCall end in ReadyForQuery by themselves. */
const isOwnSync = (type: number) => type === Frontend.query || type === Frontend.functionCall;

/**
 * Whether a text that is refused takes the unnamed statement's place: a simple Query, an unnamed Parse, and a Parse so large that its name
 * was not looked at. (The unnamed portal stays: PostgreSQL replaces it when a Query runs.)
 */
function takesUnnamed(frame: FrontendFrame): boolean {
  if (frame.kind === 'more') return false;
  if (frame.type === Frontend.query) return true;
  return frame.type === Frontend.parse && (frame.kind === 'oversize' || frame.bytes[5] === 0);
}

const READY_IDLE = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
