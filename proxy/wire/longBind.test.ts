import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WireError } from './errors';
import { decodeBind } from './frontend';
import { decodeLongBind } from './longBind';
import { Frontend } from './messages';
import { MessageWriter } from './writer';

interface Parts {
  portal: string;
  statement: string;
  formats: number[];
  values: (Buffer | null)[];
  results: number[];
}

const parts = fc.record({
  portal: fc.stringMatching(/^[a-z]{0,5}$/),
  statement: fc.stringMatching(/^[a-z]{0,5}$/),
  formats: fc.array(fc.constantFrom(0, 1), { maxLength: 4 }),
  values: fc.array(fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))), { maxLength: 6 }),
  results: fc.array(fc.constantFrom(0, 1), { maxLength: 4 }),
});

function bind({ portal, statement, formats, values, results }: Parts): Buffer {
  const writer = new MessageWriter().begin(Frontend.bind).cstring(portal).cstring(statement).int16(formats.length);
  for (const code of formats) writer.int16(code);
  writer.int16(values.length);
  for (const value of values) {
    writer.int32(value?.length ?? -1);
    if (value !== null) writer.bytes(value);
  }
  writer.int16(results.length);
  for (const code of results) writer.int16(code);
  return writer.end().take();
}

/** Where the parameters begin: what must have arrived before a Bind is looked at. */
const headSize = ({ portal, statement, formats }: Parts) => 5 + portal.length + statement.length + 2 + 2 + formats.length * 2 + 2;

/** Feeds a Bind in pieces; the error's SQLSTATE, or null when it is taken. */
function refusal(message: Buffer, head: number, sizes: readonly number[]): string | null {
  try {
    const { rest } = decodeLongBind(message.subarray(0, head), message.length);
    for (let at = head, i = 0; at < message.length; i++) {
      const end = Math.min(message.length, at + (sizes[i % sizes.length] ?? 1));
      rest.push(message.subarray(at, end));
      at = end;
    }
    return null;
  } catch (error) {
    if (error instanceof WireError) return error.fields.sqlstate;
    throw error;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

describe('a Bind in pieces', () => {
  test('is taken however it is cut, and shows what had arrived', () => {
    fc.assert(
      fc.property(parts, fc.nat({ max: 60 }), sizes, (given, extra, cuts) => {
        const message = bind(given);
        const head = Math.min(message.length, headSize(given) + extra);
        const long = decodeLongBind(message.subarray(0, head), message.length);
        expect(long).toMatchObject({ portal: given.portal, statement: given.statement, parameterFormats: given.formats });
        expect(long.parameters.length).toBe(given.values.length);
        for (const [i, parameter] of long.parameters.entries()) {
          if (parameter.kind === 'null') expect(given.values[i]).toBe(null);
          if (parameter.kind === 'arrived') expect(parameter.bytes).toEqual(given.values[i]);
          if (parameter.kind === 'cut') expect(given.values[i]?.subarray(0, parameter.bytes.length)).toEqual(parameter.bytes);
        }
        expect(refusal(message, head, cuts)).toBe(null);
      }),
      { numRuns: 500 },
    );
  });

  test('is refused in pieces whenever it is refused whole', () => {
    fc.assert(
      fc.property(parts, fc.nat(), fc.nat({ max: 255 }), sizes, (given, place, byte, cuts) => {
        const message = bind(given);
        const head = headSize(given);
        fc.pre(message.length > head);
        message[head + (place % (message.length - head))] = byte;
        let whole: string | null = null;
        try {
          decodeBind(message);
        } catch (error) {
          whole = error instanceof WireError ? error.fields.sqlstate : 'other';
        }
        expect(refusal(message, head, cuts)).toBe(whole);
      }),
      { numRuns: 2_000 },
    );
  });
});
