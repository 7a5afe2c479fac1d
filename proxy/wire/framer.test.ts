import fc from 'fast-check';
import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import { WireError } from './errors';
import { type FrontendFrame, FrontendFramer, MAX_WHOLE_BYTES, STREAMED_BIND_BYTES } from './framer';
import { Frontend } from './messages';

const LIMIT = 4_096;

function frames(chunks: readonly Buffer[]): FrontendFrame[] {
  const framer = new FrontendFramer((type) => (type === Frontend.copyData ? 20_000 : LIMIT));
  const out: FrontendFrame[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let frame = framer.next(); frame !== null; frame = framer.next()) out.push(frame);
  }
  return out;
}

/** CopyData may arrive in any pieces; joined, so that two ways of splitting can be compared. */
function joined(list: readonly FrontendFrame[]): { type: string; bytes: string }[] {
  const out: { type: string; bytes: string }[] = [];
  for (const frame of list) {
    const last = out.at(-1);
    const bytes = frame.kind === 'oversize' ? '' : frame.bytes.toString('latin1');
    if (frame.kind === 'more' && last !== undefined) last.bytes += bytes;
    else if (frame.kind !== 'more') out.push({ type: `${frame.kind} ${String.fromCharCode(frame.type)}`, bytes });
  }
  return out;
}

const conversation = Buffer.concat([
  serialize.query('select 1'),
  serialize.parse({ name: 's1', text: 'select $1::int', types: [23] }),
  serialize.bind({ portal: 'p1', statement: 's1', values: ['42', null] }),
  serialize.describe({ type: 'P', name: 'p1' }),
  serialize.execute({ portal: 'p1', rows: 10 }),
  serialize.close({ type: 'S', name: 's1' }),
  serialize.flush(),
  serialize.copyData(Buffer.from('1\tone\n')),
  serialize.copyData(Buffer.alloc(9_000, 'x')),
  serialize.copyData(Buffer.alloc(30_000, 'z')),
  serialize.copyDone(),
  serialize.query(`select '${'y'.repeat(LIMIT)}'`),
  serialize.sync(),
  serialize.end(),
]);

describe('frontend framer', () => {
  const whole = joined(frames([conversation]));

  test('names every message and skips what is too large', () => {
    expect(whole.map((frame) => frame.type)).toEqual([
      'message Q',
      'message P',
      'message B',
      'message D',
      'message E',
      'message C',
      'message H',
      'head d',
      'head d',
      'oversize d',
      'message c',
      'oversize Q',
      'message S',
      'message X',
    ]);
  });

  test('is the same split at every byte', () => {
    for (let at = 1; at < conversation.length; at++) {
      const split = joined(frames([conversation.subarray(0, at), conversation.subarray(at)]));
      // So many deep comparisons take most of a minute where the machine has other work; of two that differ, one says how.
      const same =
        split.length === whole.length && split.every(({ type, bytes }, n) => type === whole[n]?.type && bytes === whole[n].bytes);
      if (!same) expect(split, `split at ${at}`).toEqual(whole);
    }
  });

  test('is the same in single bytes and in any pieces', () => {
    expect(joined(frames([...conversation].map((byte) => Buffer.from([byte]))))).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 60 }), (sizes) => {
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(conversation.subarray(at, at + size));
          at += size;
        }
        chunks.push(conversation.subarray(at));
        expect(joined(frames(chunks))).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ['an unknown type', Buffer.from([0x7a, 0, 0, 0, 4])],
    ['a length below 4', Buffer.from([Frontend.query, 0, 0, 0, 3])],
    ['a negative length', Buffer.from([Frontend.query, 0xff, 0xff, 0xff, 0xff])],
    ['a length above 1 GiB', Buffer.from([Frontend.query, 0x40, 0, 0, 0])],
  ])('refuses %s with 08P01', (_, bytes) => {
    expect(() => frames([bytes])).toThrow(WireError);
    try {
      frames([bytes]);
    } catch (error) {
      expect(error instanceof WireError && error.fields.sqlstate).toBe('08P01');
    }
  });

  describe('a large Bind', () => {
    const large = serialize.bind({ statement: 's', values: [Buffer.alloc(STREAMED_BIND_BYTES, 1)] });
    const framer = () => new FrontendFramer(() => MAX_WHOLE_BYTES * 2);

    test('comes in pieces, each byte once', () => {
      const cut = framer();
      const out: FrontendFrame[] = [];
      for (let at = 0; at < large.length; at += 60_000) {
        cut.push(large.subarray(at, at + 60_000));
        for (let frame = cut.next(); frame !== null; frame = cut.next()) out.push(frame);
        expect(cut.bufferedBytes).toBeLessThan(400_000);
      }
      expect(out[0]).toMatchObject({ kind: 'head', sizeBytes: large.length });
      expect(out.at(-1)).toMatchObject({ kind: 'more', last: true });
      expect(Buffer.concat(out.map((frame) => (frame.kind === 'oversize' ? Buffer.alloc(0) : frame.bytes))).equals(large)).toBe(true);
    });

    test('comes whole when it is wanted whole, up to a limit', () => {
      const cut = framer();
      cut.push(large.subarray(0, 300_000));
      const start = cut.next();
      if (start?.kind !== 'head') throw new Error('expected a head');
      cut.wantWhole(start.bytes);
      expect(cut.next()).toBe(null);
      cut.push(large.subarray(300_000));
      const whole = cut.next();
      expect(whole?.kind === 'message' && whole.bytes.equals(large)).toBe(true);
      cut.push(Buffer.concat([large.subarray(0, 1), Buffer.from([0x05, 0, 0, 0]), large.subarray(5, 300_000)]));
      const second = cut.next();
      if (second?.kind !== 'head') throw new Error('expected a head');
      cut.wantWhole(second.bytes);
      expect(cut.next()).toMatchObject({ kind: 'oversize' });
    });
  });
});
