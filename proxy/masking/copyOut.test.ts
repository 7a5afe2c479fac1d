import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CellMask, CellOut } from './cellOut';
import { CopyMaskError, MAX_ROW_BYTES } from './copy/malformed';
import type { CopyOptions } from './copy/options';
import { canBeValue, escapeText, unescapeText } from './copy/text';
import { CopyMask, copyMaskProblem, copyOutDisagreement } from './copyOut';

type Cell = Buffer | null;

const same: CellMask = (bytes, start, end, out) => {
  out.append(bytes, start, end);
  return true;
};
const hidden: CellMask = (_bytes, _start, _end, out) => {
  out.text('M');
  return true;
};
const toNull: CellMask = () => false;
/** Turns a value round and puts what has to be escaped beside it. */
const twisted = (value: Buffer) => Buffer.concat([Buffer.from('"\t\\\n,;'), Buffer.from(value).reverse()]);
const twist: CellMask = (bytes, start, end, out) => {
  out.append(twisted(bytes.subarray(start, end)));
  return true;
};

const code = (character: string) => character.charCodeAt(0);
const FORMATS: readonly CopyOptions[] = [
  { format: 'text', delimiter: 9, nullString: Buffer.from('\\N'), header: false },
  { format: 'text', delimiter: code('|'), nullString: Buffer.from('\\?ø'), header: false },
  { format: 'text', delimiter: 8, nullString: Buffer.from('\\N'), header: true },
  { format: 'csv', delimiter: code(','), nullString: Buffer.alloc(0), header: false, quote: code('"'), escape: code('"'), forceQuote: [] },
  {
    format: 'csv',
    delimiter: code(';'),
    nullString: Buffer.from('ab'),
    header: true,
    quote: code("'"),
    escape: code('\\'),
    forceQuote: '*',
  },
  { format: 'csv', delimiter: 9, nullString: Buffer.from('\\N'), header: false, quote: code('q'), escape: 9, forceQuote: ['c1'] },
  { format: 'binary' },
];
const ESCAPES: readonly [RegExp, string][] = [
  [/[\b]/g, '\\b'],
  [/\f/g, '\\f'],
  [/\n/g, '\\n'],
  [/\r/g, '\\r'],
  [/\t/g, '\\t'],
  [/\v/g, '\\v'],
];

/** What PostgreSQL sends for a row, written down a second time and in other words. */
function field(value: Cell, column: number, options: CopyOptions, single: boolean): Buffer {
  if (options.format === 'binary') {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value === null ? -1 : value.length);
    return Buffer.concat([length, value ?? Buffer.alloc(0)]);
  }
  if (value === null) return options.nullString;
  const text = value.toString('latin1');
  const delimiter = String.fromCharCode(options.delimiter);
  if (options.format === 'text') {
    const escaped = ESCAPES.reduce((all, [from, to]) => all.replace(from, () => to), text.replaceAll('\\', '\\\\'));
    return Buffer.from(
      escaped.replaceAll(delimiter, () => `\\${delimiter}`),
      'latin1',
    );
  }
  const [quote, escaper] = [String.fromCharCode(options.quote), String.fromCharCode(options.escape)];
  const forced = options.forceQuote === '*' || options.forceQuote.includes(`c${column}`);
  const plain = value.equals(options.nullString) || (single && text === '\\.');
  if (!forced && !plain && ![delimiter, quote, '\n', '\r'].some((special) => text.includes(special))) return value;
  const inside = [...text].map((char) => (char === quote || char === escaper ? escaper + char : char)).join('');
  return Buffer.from(quote + inside + quote, 'latin1');
}

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

function encode(rows: readonly (readonly Cell[])[], options: CopyOptions, width: number): Buffer {
  const names = Array.from({ length: width }, (_, at) => Buffer.from(`c${at}`));
  const pieces: Buffer[] = [];
  const header = options.format !== 'binary' && options.header;
  if (options.format === 'binary') pieces.push(SIGNATURE);
  for (const row of header ? [names, ...rows] : rows) {
    const fields = row.map((value, column) =>
      field(value, column, row === names && options.format === 'csv' ? { ...options, forceQuote: [] } : options, width === 1),
    );
    if (options.format === 'binary') pieces.push(Buffer.from([0, width]), ...fields);
    else pieces.push(...fields.flatMap((one, at) => [...(at > 0 ? [Buffer.from([options.delimiter])] : []), one]), Buffer.from('\n'));
  }
  if (options.format === 'binary') pieces.push(Buffer.from([0xff, 0xff]));
  return Buffer.concat(pieces);
}

const namesOf = (width: number) => Array.from({ length: width }, (_, at) => `c${at}`);

/** The bodies of the messages that come out, one after the other. */
function run(options: CopyOptions, columns: readonly (CellMask | null)[], chunks: readonly Buffer[]): Buffer {
  const out = new CellOut();
  const mask = new CopyMask({ options, columns, names: namesOf(columns.length), out });
  // A chunk need not begin where its buffer does.
  for (const chunk of chunks) mask.push(Buffer.concat([Buffer.from('"\\\t\n'), chunk, Buffer.from('x')]), 4, 4 + chunk.length);
  mask.finish();
  return bodies(out);
}

function bodies(out: CellOut): Buffer {
  const found: Buffer[] = [];
  let at = 0;
  while (at < out.length) {
    expect(out.bytes[at]).toBe(code('d'));
    const length = out.bytes.readUInt32BE(at + 1);
    expect(length).toBeGreaterThan(4);
    found.push(out.bytes.subarray(at + 5, at + 1 + length));
    at += 1 + length;
  }
  expect(at).toBe(out.length);
  return Buffer.concat(found);
}

const SPECIAL = fc.constantFrom(...[...'\\".,;|\'\t\n\r\b\f\vNbfnrtvxq01a\x01\x1fé'].map((char) => Buffer.from(char)));
const value = fc.oneof(
  fc.array(SPECIAL, { maxLength: 8 }).map((parts) => Buffer.concat(parts)),
  fc.constantFrom('', '\\.', '.', '\\N', 'N', 'ab', 'ø€😀', '\\', '""', '\\x41\\101').map((text) => Buffer.from(text)),
);
const KINDS = { keep: null, same, null: toNull, twist } as const;
const table = fc.integer({ min: 1, max: 5 }).chain((width) =>
  fc.record({
    kinds: fc.array(fc.constantFrom<(keyof typeof KINDS)[]>('keep', 'same', 'null', 'twist'), { minLength: width, maxLength: width }),
    rows: fc.array(fc.array(fc.option(value), { minLength: width, maxLength: width }), { maxLength: 5 }),
  }),
);

function expectedCell(cell: Cell, kind: keyof typeof KINDS): Cell {
  if (cell === null || kind === 'null') return kind === 'keep' ? cell : null;
  return kind === 'twist' ? twisted(cell) : cell;
}

describe.each(FORMATS.map((options): [string, CopyOptions] => [JSON.stringify(options), options]))('%s', (_name, options) => {
  test('a stream masked is the stream of the masked rows, wherever it is cut', () => {
    fc.assert(
      fc.property(table, fc.array(fc.nat({ max: 200 })), ({ kinds, rows }, cuts) => {
        const width = kinds.length;
        const stream = encode(rows, options, width);
        const expected = encode(
          rows.map((row) => row.map((cell, at) => expectedCell(cell, kinds[at] ?? 'keep'))),
          options,
          width,
        );
        const columns = kinds.map((kind) => KINDS[kind]);
        const marks = [0, ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length];
        const chunks = marks.slice(1).map((end, at) => stream.subarray(marks[at], end));
        expect(run(options, columns, [stream])).toEqual(expected);
        expect(run(options, columns, chunks)).toEqual(expected);
        expect(
          run(
            options,
            columns,
            [...stream].map((byte) => Buffer.from([byte])),
          ),
        ).toEqual(expected);
      }),
    );
  });

  test('garbage ends with the one error, and nothing of a masked column leaves', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
      fc.array(SPECIAL, { maxLength: 12 }).map((parts) => Buffer.concat(parts)),
      fc.constant(
        encode(
          [
            [Buffer.from('a'), null],
            [Buffer.from('"\\\n'), Buffer.from('b')],
          ],
          options,
          2,
        ),
      ),
      fc.constant(encode([[null, Buffer.from('zz')]], options, 2).subarray(options.format === 'binary' ? 19 : 0)),
    );
    // The header is not data and is looked at elsewhere.
    const plain: CopyOptions = options.format === 'binary' ? options : { ...options, header: false };
    let through = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (chunks) => {
        const out = new CellOut();
        const mask = new CopyMask({ options: plain, columns: [hidden, hidden], names: ['c0', 'c1'], out });
        try {
          for (const chunk of chunks) mask.push(chunk, 0, chunk.length);
          mask.finish();
        } catch (error) {
          expect(error).toBeInstanceOf(CopyMaskError);
          expect(() => mask.push(SIGNATURE, 0, 0)).toThrow(CopyMaskError);
          expect(() => mask.finish()).toThrow(CopyMaskError);
        }
        const released = bodies(out).toString('latin1');
        through += released.length;
        if (plain.format === 'binary') {
          const cells = released
            .replace(SIGNATURE.toString('latin1'), '')
            .replaceAll('\0\0\0\x01M', '·')
            .replaceAll('\xff\xff\xff\xff', '·');
          expect(cells.replaceAll('\0\x02··', '')).toMatch(/^(\xff\xff)?$/);
        } else {
          const quote = plain.format === 'csv' ? String.fromCharCode(plain.quote) : '';
          const cell = [plain.nullString.toString('latin1'), 'M', `${quote}M${quote}`];
          const lines = released.split('\n');
          expect(lines.pop()).toBe('');
          const rows = cell.flatMap((a) => cell.map((b) => a + String.fromCharCode(plain.delimiter) + b));
          for (const line of lines) expect(rows).toContain(line);
        }
      }),
    );
    expect(through).toBeGreaterThan(0);
  });

  test('a row with a field too many or too few is withheld with its whole message', () => {
    for (const width of [1, 2, 4]) {
      const stream = encode([Array.from({ length: width }, () => Buffer.from('secret'))], options, width);
      const out = new CellOut();
      out.text('before');
      const mask = new CopyMask({ options, columns: [null, null, null], names: null, out });
      expect(() => {
        mask.push(stream, 0, stream.length);
        mask.finish();
      }).toThrow(CopyMaskError);
      expect(out.bytes.toString('utf8', 0, out.length)).toBe('before');
    }
  });
});

test('every message of the server gives one message, and none when it ends inside a row', () => {
  const [options] = FORMATS;
  if (options === undefined) throw new Error('no format');
  const out = new CellOut();
  const mask = new CopyMask({ options, columns: [null, hidden], names: null, out });
  const lengths = ['a\tb\n', 'c\td', '', '\ne\tf\n', 'g\th\ni\tj\n'].map((text) => {
    const before = out.length;
    mask.push(Buffer.from(text), 0, text.length);
    return out.length - before;
  });
  expect(lengths).toEqual([9, 0, 0, 13, 13]);
  expect(bodies(out).toString()).toBe('a\tM\nc\tM\ne\tM\ng\tM\ni\tM\n');
});

test('a table without columns has empty rows and no other', () => {
  const [options] = FORMATS;
  if (options === undefined) throw new Error('no format');
  expect(run(options, [], [Buffer.from('\n\n')]).toString()).toBe('\n\n');
  expect(() => run(options, [], [Buffer.from('x\n')])).toThrow(CopyMaskError);
  expect(run({ format: 'binary' }, [], [SIGNATURE, Buffer.from([0, 0, 0xff, 0xff])]).length).toBe(23);
});

test('a mask that throws ends the stream with its own error, and what it had written is taken back', () => {
  const out = new CellOut();
  const broken: CellMask = (_bytes, _start, _end, to) => {
    to.text('half');
    throw new TypeError('broken');
  };
  const mask = new CopyMask({ options: { format: 'binary' }, columns: [broken], names: null, out });
  const stream = encode([[Buffer.from('x')]], { format: 'binary' }, 1);
  expect(() => mask.push(stream, 0, stream.length)).toThrow(TypeError);
  expect(out.length).toBe(0);
  expect(() => mask.push(stream, 0, stream.length)).toThrow(CopyMaskError);
});

describe('a row of more than 64 MiB', () => {
  const MIB = Buffer.alloc(1024 * 1024, 'x');
  test.each(FORMATS.slice(2, 4))('%j ends with its size', (options) => {
    const mask = new CopyMask({ options, columns: [null], names: null, out: new CellOut() });
    let error: unknown = null;
    for (let count = 0; count < 66 && error === null; count++) {
      try {
        mask.push(MIB, 0, MIB.length);
      } catch (thrown) {
        error = thrown;
      }
    }
    expect(error).toBeInstanceOf(CopyMaskError);
    expect((error as CopyMaskError).tooLargeBytes).toBeGreaterThan(MAX_ROW_BYTES);
  });

  test('is known from a length in binary', () => {
    const mask = new CopyMask({ options: { format: 'binary' }, columns: [null], names: null, out: new CellOut() });
    const start = Buffer.concat([SIGNATURE, Buffer.from([0, 1, 0x7f, 0xff, 0xff, 0xff])]);
    expect(() => mask.push(start, 0, start.length)).toThrow(expect.objectContaining({ tooLargeBytes: 0x7fffffff + 6 }));
  });
});

describe('the text format', () => {
  test.each([
    ['\\b\\f\\n\\r\\t\\v\\\\', '\b\f\n\r\t\v\\'],
    ['\\101\\1012\\7', 'AA2\x07'],
    ['\\x41\\x4g\\xg\\x414', 'A\x04gxgA4'],
    ['\\q\\.\\|\\N', 'q.|N'],
    ['end\\', 'end\\'],
  ])('%s reads %j', (escaped, plain) => {
    const out = new CellOut(4);
    unescapeText(Buffer.from(escaped), 0, escaped.length, out);
    expect(out.bytes.toString('latin1', 0, out.length)).toBe(plain);
  });

  test('a NULL string that a value could be written as is a problem for masked columns only', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(9, code('|')), (bytes, delimiter) => {
        const from = new CellOut();
        from.append(bytes);
        const out = new CellOut();
        escapeText(from, delimiter, out);
        const written = Buffer.from(out.bytes.subarray(0, out.length));
        // A NULL string never holds the delimiter.
        if (!written.includes(delimiter)) expect(canBeValue(written)).toBe(true);
      }),
    );
    for (const [nullString, certain] of [
      ['\\N', true],
      ['\\', true],
      ['\t', true],
      ['a\\', true],
      ['\\n', false],
      ['none', false],
      ['', true],
    ] as const) {
      const options: CopyOptions = { format: 'text', delimiter: code('|'), nullString: Buffer.from(nullString), header: false };
      expect(copyMaskProblem(options, [null, hidden]) === null).toBe(certain);
      expect(copyMaskProblem(options, [null, null])).toBeNull();
      const open = () => new CopyMask({ options, columns: [hidden], names: null, out: new CellOut() });
      if (!certain) expect(open).toThrow(CopyMaskError);
    }
  });
});

test('FORCE_QUOTE of columns nobody can name quotes every masked value', () => {
  const options = FORMATS[5];
  if (options?.format !== 'csv') throw new Error('no CSV');
  const stream = Buffer.from('a\tqbq\n');
  const masked = (names: readonly string[] | null) => {
    const out = new CellOut();
    new CopyMask({ options, columns: [same, same], names, out }).push(stream, 0, stream.length);
    return bodies(out).toString();
  };
  expect(masked(null)).toBe('qaq\tqbq\n');
  expect(masked(['c0', 'c1'])).toBe('a\tqbq\n');
  expect(masked(['c1', 'c1'])).toBe('qaq\tb\n');
});

test('an answer to COPY with another format or number of columns disagrees', () => {
  const response = (format: number, formats: readonly number[]) => {
    const body = Buffer.from([format, 0, formats.length, ...formats.flatMap((one) => [0, one])]);
    return Buffer.concat([Buffer.from([0x48, 0, 0, 0, body.length + 4]), body]);
  };
  const [text] = FORMATS;
  if (text === undefined) throw new Error('no format');
  const binary: CopyOptions = { format: 'binary' };
  expect(copyOutDisagreement(response(0, [0, 0]), text, [null, hidden])).toBeNull();
  expect(copyOutDisagreement(response(1, [1, 1]), binary, [null, hidden])).toBeNull();
  expect(copyOutDisagreement(response(0, []), text, [])).toBeNull();
  for (const [bytes, options] of [
    [response(1, [1, 1]), text],
    [response(0, [0, 0]), binary],
    [response(0, [0]), text],
    [response(0, [0, 0, 0]), text],
    [response(0, [0, 1]), text],
    [response(0, [0, 0]).subarray(0, 11), text],
    [response(0, []).subarray(0, 6), text],
  ] as const) {
    expect(copyOutDisagreement(bytes, options, [null, hidden])).toMatch(/\.$/);
  }
});
