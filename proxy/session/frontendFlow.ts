import { mayChangeAndReturn } from '../limits/resultShape';
import { messageTooLarge, protocolViolation, statementTooLarge } from '../wire/errors';
import { type FrontendFrame, FrontendFramer, MAX_WHOLE_BYTES } from '../wire/framer';
import { decodeCopyFail, expectNoBody } from '../wire/frontend';
import type { LongBindRest } from '../wire/longBind';
import { Frontend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { CostCheck } from './costCheck';
import { ExtendedQuery } from './extendedQuery';
import { FunctionCalls } from './functionCall';
import { Judging } from './judging';
import { Measuring } from './measuring';
import { Refusals } from './refusals';
import type { Session } from './session';
import { SimpleQuery } from './simpleQuery';
import { Stepwise } from './stepwise';
import { Verdicts } from './verdicts';

/** Bytes that may wait behind a message that is being dealt with before the client is paused. */
const BACKLOG_BYTES = 1024 * 1024;
const HELD_BACKLOG_BYTES = 4 * 1024 * 1024;
/** How long one session may keep the process to itself. */
const TURN_MS = 10;
/** Messages that may wait for an answer before the client is paused. */
const MAX_OWED = 10_000;

const LEFT_WHILE_HELD = 'client left while its statement was held';

/** What belongs to a result under way, or asks for it. */
const GOES_ALONG: ReadonlySet<number> = new Set([
  ...[Frontend.flush, Frontend.terminate, Frontend.copyData, Frontend.copyDone, Frontend.copyFail],
]);

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
  readonly #simple: SimpleQuery;
  readonly #extended: ExtendedQuery;
  readonly #functionCalls: FunctionCalls;
  readonly #refusals: Refusals;
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
    this.#refusals = new Refusals(session, this.#judging, this.#verdicts);
    const measuring = new Measuring(session);
    const costs = new CostCheck(session);
    this.#simple = new SimpleQuery(session, this.#judging, this.#verdicts, new Stepwise(session, measuring, costs, this.#verdicts));
    this.#extended = new ExtendedQuery(session, this.#judging, this.#verdicts, { measuring, costs });
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
      if (
        session.protocol.owed > MAX_OWED ||
        session.upstream.writableNeedDrain ||
        session.toUpstream.full ||
        session.client.writableNeedDrain
      ) {
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
    const cancel = () => session.services.cancelUpstream();
    // What still waits to leave must be there to be cancelled.
    session.cancelBarrier ??= (session.toUpstream.whenOpen()?.then(cancel) ?? cancel())
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
    // Inside a message that never ends the server would read Terminate as a part of it.
    if (session.protocol.owed === 0 || this.#piecesGoOn) return session.close('client closed the connection');
    session.toUpstream.append(TERMINATE);
    session.toUpstream.flush();
  }

  /** One frame; a promise when it has to wait. Errors of one statement become its answer, anything else ends the session. */
  #handle(frame: FrontendFrame): void | Promise<void> {
    const refuse = (error: unknown) => this.#refusals.refuse(frame, error);
    try {
      return this.#dispatch(frame)?.catch(refuse);
    } catch (error) {
      return refuse(error);
    }
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
    const cut = this.#behindResult(frame);
    if (cut !== null) return cut;
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

  /**
   * A result that may be cut is an error once it is, and what stands between that and the Sync is ignored: it waits until the result is
   * over. So does the Sync itself where the statement may have changed something, because that is rolled back. Null when it may go on now.
   */
  #behindResult(frame: Exclude<FrontendFrame, { kind: 'more' }>): Promise<void> | null {
    const session = this.#session;
    const { openResult, skipping } = session.protocol;
    if (openResult === null || skipping || GOES_ALONG.has(frame.type)) return null;
    if (!openResult.ended) {
      if (frame.type === Frontend.sync && !mayChangeAndReturn(openResult.judged.facts)) return null;
      session.askForAnswers();
      return session.whenAnswered().then(() => (session.closed ? undefined : this.#dispatch(frame)));
    }
    if (openResult.cut === null) return null;
    // The client has its error; the server fails here too, and then both ignore this message, unless it is the Sync.
    this.#refusals.poison(openResult.cut);
    return Promise.resolve().then(() => (session.closed ? undefined : this.#dispatch(frame)));
  }

  /** A message that passes in pieces. */
  #head({ type, bytes, sizeBytes }: Extract<FrontendFrame, { kind: 'head' }>): void | Promise<void> {
    if (type !== Frontend.bind) {
      this.#piecesGoOn = bytes.length < sizeBytes;
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
    this.#session.toUpstream.append(bytes);
    if (!last) return;
    this.#longBind = null;
    this.#piecesGoOn = false;
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
        return this.#simple.query(bytes);
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
        if (session.protocol.keepsSync()) return;
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
}
