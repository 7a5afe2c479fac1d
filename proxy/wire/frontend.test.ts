import fc from 'fast-check';
import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import { WireError } from './errors';
import { decodeBind, decodeExecute, decodeParse, decodeTarget, decodeText, type FrontendFrame, FrontendFramer } from './frontend';
import { Frontend } from './messages';

const LIMIT = 4_096;

function frames(chunks: readonly Buffer[]): FrontendFrame[] {
  const framer = new FrontendFramer(() => LIMIT);
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
  let copy = Buffer.alloc(0);
  const endCopy = () => {
    if (copy.length > 0) out.push({ type: 'copyData', bytes: copy.toString('hex') });
    copy = Buffer.alloc(0);
  };
  for (const frame of list) {
    if (frame.kind === 'copyData') copy = Buffer.concat([copy, frame.bytes]);
    else {
      endCopy();
      out.push({
        type: `${frame.kind} ${String.fromCharCode(frame.type)}`,
        bytes: frame.kind === 'message' ? frame.bytes.toString('hex') : '',
      });
    }
  }
  endCopy();
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
      'copyData',
      'message c',
      'oversize Q',
      'message S',
      'message X',
    ]);
  });

  test('is the same split at every byte', () => {
    for (let at = 1; at < conversation.length; at++) {
      expect(joined(frames([conversation.subarray(0, at), conversation.subarray(at)]))).toEqual(whole);
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
});

describe('frontend messages', () => {
  test('decode what pg-protocol encodes', () => {
    expect(decodeText(serialize.query('select 1'))).toBe('select 1');
    expect(decodeParse(serialize.parse({ name: 'n', text: 'select $1', types: [25, 23] }))).toEqual({
      name: 'n',
      sql: 'select $1',
      parameterTypes: [25, 23],
    });
    const bind = decodeBind(serialize.bind({ portal: 'p', statement: 's', values: ['a', null], binary: true }));
    expect(bind).toMatchObject({ portal: 'p', statement: 's', resultFormats: [1] });
    expect(bind.parameters.map((value) => value?.toString() ?? null)).toEqual(['a', null]);
    expect(decodeTarget(serialize.describe({ type: 'S', name: 'x' }))).toEqual({ target: 'S', name: 'x' });
    expect(decodeExecute(serialize.execute({ portal: 'p', rows: 5 }))).toEqual({ portal: 'p', maxRows: 5 });
  });

  test('a NUL inside a statement does not hide what stands behind it', () => {
    expect(() => decodeText(serialize.query('select 1\0; drop table t'))).toThrow('longer than its fields');
  });

  test('invalid UTF-8 is refused as PostgreSQL refuses it', () => {
    const bytes = serialize.query('select xx');
    bytes[12] = 0xc3;
    bytes[13] = 0x28;
    try {
      decodeText(bytes);
      expect.unreachable();
    } catch (error) {
      expect(error instanceof WireError && error.fields.sqlstate).toBe('22021');
    }
  });

  test('65,535 parameters', () => {
    const values = Array.from({ length: 65_535 }, () => null);
    expect(decodeBind(serialize.bind({ values })).parameters.length).toBe(65_535);
  });

  test('a truncated message never reads past its end', () => {
    const bytes = serialize.bind({ portal: 'p', statement: 's', values: ['abc'] });
    for (let size = 5; size < bytes.length; size++) expect(() => decodeBind(bytes.subarray(0, size))).toThrow(WireError);
  });
});
