import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { say } from '../session/transcript';
import { WireError } from '../wire/errors';
import { type FrontendFrame, FrontendFramer } from '../wire/framer';
import { decodeBind, decodeExecute, decodeFunctionCall, decodeParse, decodeTarget, decodeText, expectNoBody } from '../wire/frontend';
import { decodeLongBind } from '../wire/longBind';
import { Backend, Frontend } from '../wire/messages';
import { readFirstPacket, readOptions } from '../wire/startUp';
import { BackendScanner } from '../wire/stream';
import { MessageWriter } from '../wire/writer';
import { mutate, mutations } from './mutations';
import { encode, programs } from './programs';
import { dice } from './run';

/** A longer run: how many times as many frames. */
const RUNS = Number(process.env.GATEHOUSE_TEST_FUZZ_RUNS ?? 1);
const LIMIT_BYTES = 1_000;
const seed = fc.integer();

/** The bytes in pieces of random sizes, single bytes among them. */
function pieces(bytes: Buffer, order: number): Buffer[] {
  const choose = dice(order);
  const most = [1, 7, 100, 5_000][choose(4)] ?? 1;
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + choose(most);
    out.push(bytes.subarray(at, at + size));
    at += size;
  }
  return out;
}

/** Only an error of ours, or null. */
function refusal(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.fields.message;
  }
}

interface Cut {
  frames: FrontendFrame[];
  refused: string | null;
}

function cutFrontend(chunks: readonly Buffer[]): Cut {
  const framer = new FrontendFramer((type) => (type === Frontend.copyData ? LIMIT_BYTES * 3 : LIMIT_BYTES));
  const frames: FrontendFrame[] = [];
  const refused = refusal(() => {
    for (const chunk of chunks) {
      framer.push(chunk);
      framer.saysTerminate();
      for (let frame = framer.next(); frame !== null; frame = framer.next()) frames.push(frame);
      expect(framer.bufferedBytes).toBeLessThanOrEqual(LIMIT_BYTES + chunk.length);
    }
  });
  return { frames, refused };
}

/** Frames with the pieces of one message joined, since pieces are cut where the network cuts. */
function joined({ frames, refused }: Cut): unknown[] {
  const out: { kind: string; bytes: Buffer; size: number; last: boolean }[] = [];
  for (const frame of frames) {
    const before = out.at(-1);
    if (frame.kind === 'more') {
      if (before?.kind !== 'head') throw new Error('a piece of nothing');
      before.bytes = Buffer.concat([before.bytes, frame.bytes]);
      expect(frame.last).toBe(before.bytes.length === before.size);
    } else if (frame.kind === 'oversize')
      out.push({ kind: `oversize ${frame.type}`, bytes: Buffer.alloc(0), size: frame.sizeBytes + 5, last: true });
    else out.push({ kind: frame.kind, bytes: frame.bytes, size: frame.kind === 'head' ? frame.sizeBytes : frame.bytes.length, last: true });
  }
  return [...out.map(({ kind, bytes, size }) => `${kind} ${size} ${bytes.toString('hex')}`), refused];
}

/** What came out stands in what went in, each byte once and in order; only what was too large is left out. */
function isPrefix({ frames }: Cut, input: Buffer): boolean {
  let at = 0;
  for (const frame of frames) {
    if (frame.kind === 'oversize') {
      at += frame.sizeBytes + 5;
      continue;
    }
    if (!input.subarray(at, at + frame.bytes.length).equals(frame.bytes)) return false;
    at += frame.bytes.length;
  }
  return true;
}

const DECODERS: Readonly<Record<number, (bytes: Buffer) => unknown>> = {
  [Frontend.query]: decodeText,
  [Frontend.parse]: decodeParse,
  [Frontend.bind]: decodeBind,
  [Frontend.describe]: decodeTarget,
  [Frontend.close]: decodeTarget,
  [Frontend.execute]: decodeExecute,
  [Frontend.functionCall]: decodeFunctionCall,
  [Frontend.copyFail]: decodeText,
  [Frontend.sync]: expectNoBody,
  [Frontend.flush]: expectNoBody,
  [Frontend.copyDone]: expectNoBody,
};

/** Every decoder ends, and with an error of ours or with a value; a Bind read in pieces is as good as one read whole. */
function decode(frame: FrontendFrame, choose: (below: number) => number): void {
  if (frame.kind !== 'message') return;
  const { type, bytes } = frame;
  const whole = refusal(() => DECODERS[type]?.(bytes));
  // Any other reading of the same bytes must not crash either.
  for (const other of Object.values(DECODERS)) refusal(() => other(bytes));
  if (type !== Frontend.bind) return;
  const headBytes = 5 + choose(bytes.length - 4);
  const inPieces = refusal(() => {
    const { rest } = decodeLongBind(bytes.subarray(0, headBytes), bytes.length);
    for (const piece of pieces(bytes.subarray(headBytes), choose(1_000_000))) rest.push(piece);
  });
  if (inPieces === null) expect(whole).toBe(null);
  // Names and formats stand in the first piece of a real one; with them there, both readings agree.
  const names = refusal(() => decodeLongBind(bytes.subarray(0, headBytes), bytes.length));
  if (names === null && whole === null) expect(inPieces).toBe(null);
}

const BACKEND: readonly Buffer[] = [
  say.parseComplete(),
  say.bindComplete(),
  say.closeComplete(),
  say.noData(),
  say.parameters(23, 25),
  say.columns([1, 1], [0, 0]),
  say.row('one', 'x'.repeat(200)),
  say.row(),
  say.complete('SELECT 2'),
  say.suspended(),
  say.copyIn(),
  new MessageWriter().begin(Backend.copyData).bytes(Buffer.alloc(300, 'c')).end().take(),
  say.error('22012', 'division by zero', 'detail'),
  say.status('application_name', 'x'),
  say.ready('T'),
];

function scan(chunks: readonly Buffer[], order: number): { out: Buffer; taken: string[]; failed: boolean } {
  const forwarded: Buffer[] = [];
  const taken: string[] = [];
  // The same message is treated the same wherever it is cut, so what becomes of it goes by its bytes.
  let waits = 0;
  const scanner = new BackendScanner({
    treat: (type) => (type === Backend.dataRow || type === Backend.copyData ? 'pass' : 'whole'),
    message(type, bytes) {
      if ((bytes.length + type + order) % 5 === 0 && waits++ % 2 === 0) return 'wait';
      if ((bytes.length + type + order) % 3 !== 0) return 'pass';
      taken.push(bytes.toString('hex'));
      forwarded.push(Buffer.from('<taken>'));
      return 'taken';
    },
    cut: () => undefined,
    forward: (bytes) => void forwarded.push(Buffer.from(bytes)),
  });
  try {
    for (const chunk of chunks) {
      const before = waits;
      scanner.push(chunk);
      for (let seen = before; waits > seen && waits % 2 === 1; ) {
        seen = waits;
        scanner.resume();
      }
    }
    return { out: Buffer.concat(forwarded), taken, failed: false };
  } catch (error) {
    if (!(error instanceof Error) || !/^the upstream sent|cannot be looked at/.test(error.message)) throw error;
    return { out: Buffer.concat(forwarded), taken, failed: true };
  }
}

describe('fuzzed framing', () => {
  test('mutated frontend messages: only errors of ours, each byte once, however it is cut, and little of it kept', {
    timeout: 60_000 * RUNS,
  }, () => {
    const frames = 40_000 * RUNS;
    let count = 0;
    fc.assert(
      fc.property(programs({ judged: true, leaves: true }, 20), mutations, seed, (program, list, order) => {
        const sent = mutate(
          program.map(encode).filter((bytes) => bytes !== null),
          list,
        );
        count += sent.length;
        const input = Buffer.concat(sent);
        const cut = cutFrontend(pieces(input, order));
        expect(isPrefix(cut, input)).toBe(true);
        const whole = joined(cutFrontend([input]));
        expect(joined(cut)).toEqual(whole);
        const choose = dice(order);
        for (const frame of cut.frames) decode(frame, choose);
      }),
      { numRuns: Math.ceil(frames / 20) },
    );
    expect(count).toBeGreaterThanOrEqual(frames);
  });

  test('mutated Binds: in pieces as whole', { timeout: 60_000 * RUNS }, () => {
    const frames = 5_000 * RUNS;
    const bind = fc
      .record({
        names: fc.tuple(fc.constantFrom('', 'p', 'long'.repeat(5)), fc.constantFrom('', 's')),
        values: fc.array(fc.option(fc.string({ maxLength: 40 })), { maxLength: 6 }),
        binary: fc.boolean(),
      })
      .map(({ names: [portal, name], values, binary }) => encode({ op: 'bind', portal, name, values, binary }));
    fc.assert(
      fc.property(bind, fc.option(mutations), seed, (bytes, list, order) => {
        if (bytes === null) return;
        const [message] = list === null ? [bytes] : mutate([bytes], list);
        if (message === undefined || message.length < 5) return;
        // The framer hands out what its length says.
        message.writeUInt32BE(message.length - 1, 1);
        decode({ kind: 'message', type: Frontend.bind, bytes: message }, dice(order));
      }),
      { numRuns: frames },
    );
  });

  test('mutated first packets: a packet, nothing yet, or an error of ours', { timeout: 60_000 * RUNS }, () => {
    const frames = 5_000 * RUNS;
    const parameters = fc.array(
      fc.tuple(fc.constantFrom('user', 'database', 'options', '_pq_.x', 'replication'), fc.string({ maxLength: 30 })),
    );
    const packet = fc
      .tuple(fc.constantFrom(196_608, 196_610, 80_877_103, 80_877_102, 80_877_104, 131_072), parameters)
      .map(([code, pairs]) => {
        const writer = new MessageWriter().begin(null).int32(code);
        for (const [key, value] of pairs) writer.cstring(key).cstring(value.replaceAll('\0', ''));
        return writer.int8(0).end().take();
      });
    fc.assert(
      fc.property(packet, fc.option(mutations), seed, (bytes, list, order) => {
        // As a message with a type in front, so that the same mutations find the length.
        const [message] = mutate([Buffer.concat([Buffer.from('@'), bytes])], list ?? []);
        if (message === undefined) return;
        const input = message.subarray(1);
        refusal(() => {
          const read = readFirstPacket(input);
          if (read === null) return;
          expect(input.subarray(input.length - read.rest.length).equals(read.rest)).toBe(true);
          if (read.packet.kind === 'startUp') readOptions(read.packet.parameters.get('options') ?? '');
          // Nothing is read before all of it is there.
          const part = input.subarray(0, dice(order)(input.length - read.rest.length));
          expect(readFirstPacket(part)).toBe(null);
        });
      }),
      { numRuns: frames },
    );
  });

  test('mutated backend messages: forwarded as they came, however they are cut, or the session ends', { timeout: 60_000 * RUNS }, () => {
    const frames = 20_000 * RUNS;
    let count = 0;
    const stream = fc.array(fc.constantFrom(...BACKEND), { minLength: 1, maxLength: 40, size: 'max' });
    fc.assert(
      fc.property(stream, fc.option(mutations), seed, (messages, list, order) => {
        const sent = mutate(messages, list ?? []);
        count += sent.length;
        const input = Buffer.concat(sent);
        const whole = scan([input], order);
        const cut = scan(pieces(input, order), order);
        expect(cut.failed).toBe(whole.failed);
        expect(cut.taken).toEqual(whole.taken);
        // What stands before the place where it breaks may not have been handed on yet.
        expect(cut.out.subarray(0, whole.out.length).equals(whole.out)).toBe(true);
        if (!whole.failed) expect(cut.out.length).toBe(whole.out.length);
      }),
      { numRuns: Math.ceil(frames / 15) },
    );
    expect(count).toBeGreaterThanOrEqual(frames);
  });
});
