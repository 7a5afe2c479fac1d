import { randomBytes } from 'node:crypto';
import { encodeFields, WireError } from '../wire/errors';
import type { FrontendFrame } from '../wire/framer';
import { Frontend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { type Judging, UnparsedText } from './judging';
import type { Unnamed } from './protocol';
import type { Session } from './session';
import { UnknownName } from './unknownName';
import type { Verdicts } from './verdicts';

const SYNC = Buffer.from([Frontend.sync, 0, 0, 0, 4]);
const READY_IDLE = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/**
 * Refuses one message so that both sides are where PostgreSQL would be had it refused it: the server is made to fail at its place, skips to
 * the Sync, rolls back what it must and sets the status; its error is replaced by ours, or kept where it says the same.
 */
export class Refusals {
  readonly #session: Session;
  readonly #judging: Judging;
  readonly #verdicts: Verdicts;
  /** A name nobody has: describing or executing it fails at exactly this place of the pipeline. */
  readonly #poisonName = `gatehouse refused ${randomBytes(9).toString('base64url')}`;

  constructor(session: Session, judging: Judging, verdicts: Verdicts) {
    this.#session = session;
    this.#judging = judging;
    this.#verdicts = verdicts;
  }

  /** What takes the place of a message that is not forwarded. @throws whatever is no refusal of one message: it ends the session */
  refuse(frame: FrontendFrame, error: unknown): void | Promise<void> {
    const { protocol, closed } = this.#session;
    const known = error instanceof UnparsedText || error instanceof UnknownName || (error instanceof WireError && !error.fatal);
    if (!known) throw error;
    // While this message waited, one before it failed: the server ignores it too.
    if (protocol.skipping || closed) return;
    const ownSync = frame.kind !== 'more' && isOwnSync(frame.type);
    // A Sync of ours would end the server's skipping, and a Query that PostgreSQL ignores would be answered.
    if (ownSync && protocol.mayBeSkipping) return this.#judging.whenAnswered(() => this.refuse(frame, error));
    const drops = takesUnnamed(frame, error);
    if (error instanceof UnparsedText) {
      if (frame.kind !== 'message') throw error;
      try {
        return this.#askServer(error, frame.type, drops);
      } catch (unrecorded) {
        return this.refuse(frame, unrecorded);
      }
    }
    if (error instanceof UnknownName) this.#failOnName(error, drops);
    else if (ownSync && protocol.atRest) return this.#answerRefused(error, drops);
    else this.poison(error, drops);
    if (ownSync) this.#sync();
  }

  /** Makes the server fail here, so that both sides are in the state PostgreSQL gives a failed statement; our error takes the place of its. */
  poison(error: WireError, drops: Unnamed = 'none'): void {
    this.#session.protocol.sentPoison({ kind: 'ours', error }, drops);
    this.#session.toUpstream.append(new MessageWriter().begin(Frontend.describe).int8(0x53).cstring(this.#poisonName).end().take());
  }

  /** A name nobody has: the server says so itself, of a name that it surely does not have. Unnamed, it is made sure that it does not. */
  #failOnName({ target, given }: UnknownName, drops: Unnamed): void {
    const { protocol, toUpstream } = this.#session;
    const letter = target === 'statement' ? 'S' : 'P';
    const name = given === '' ? '' : this.#poisonName;
    const writer = new MessageWriter();
    if (given === '') {
      protocol.sentClose(letter, '', true);
      writer.begin(Frontend.close).int8(letter.charCodeAt(0)).cstring('').end();
    }
    protocol.sentPoison({ kind: 'renamed', from: name, to: given }, drops);
    if (target === 'statement') writer.begin(Frontend.describe).int8(0x53).cstring(name).end();
    else writer.begin(Frontend.execute).cstring(name).int32(0).end();
    toUpstream.append(writer.take());
  }

  /**
   * A text that is no SQL to our grammar never runs. The server parses it, under a name of ours, for its own words on what is wrong; if it
   * finds nothing wrong, it is newer than our grammar, and what it would run is not known: the statement is taken away again and refused.
   */
  #askServer(text: UnparsedText, type: number, drops: Unnamed): void {
    const { protocol, toUpstream } = this.#session;
    const refusal = this.#verdicts.unparsed(text, type === Frontend.parse ? 'extended' : 'simple');
    const probe = new MessageWriter().begin(Frontend.parse).cstring(this.#poisonName).cstring(text.sql).int16(0).end();
    probe.begin(Frontend.close).int8(0x53).cstring(this.#poisonName).end();
    protocol.sentProbe(drops);
    protocol.sentClose('S', this.#poisonName, true);
    toUpstream.append(probe.take());
    this.poison(refusal);
    if (type === Frontend.query) this.#sync();
  }

  #sync(): void {
    this.#session.protocol.sentSync();
    this.#session.toUpstream.append(SYNC);
  }

  /** With nothing under way the server has no part in a refused Query. */
  #answerRefused(error: WireError, drops: Unnamed): void {
    const { protocol, toClient } = this.#session;
    if (drops !== 'none') protocol.forgetUnnamed();
    toClient.append(encodeFields(error.fields));
    toClient.append(READY_IDLE);
    toClient.flush();
  }
}

/** A simple Query and a FunctionCall end in ReadyForQuery by themselves. */
const isOwnSync = (type: number) => type === Frontend.query || type === Frontend.functionCall;

/**
 * What a refused message takes away: a Query the unnamed statement and, when it is SQL, the unnamed portal; an unnamed Parse, and one so
 * large that its name was not looked at, the unnamed statement.
 */
function takesUnnamed(frame: FrontendFrame, error: unknown): Unnamed {
  if (frame.kind === 'more') return 'none';
  if (frame.type === Frontend.query) return error instanceof UnparsedText ? 'statement' : 'both';
  return frame.type === Frontend.parse && (frame.kind === 'oversize' || frame.bytes[5] === 0) ? 'statement' : 'none';
}
