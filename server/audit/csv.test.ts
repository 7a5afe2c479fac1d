import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvRecord } from './csv';

/** Reads one record as RFC 4180 has it. */
function read(record: string): string[] {
  const fields: string[] = [];
  let rest = record.replace(/\r\n$/, '');
  for (;;) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/.exec(rest);
    if (match === null) throw new Error(`not a record: ${rest}`);
    fields.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === '') return fields;
    rest = rest.slice(match[0].length);
  }
}

describe('CSV', () => {
  test.each([
    [['a', 1, null, true], 'a,1,,true\r\n'],
    [['say "hi", twice'], '"say ""hi"", twice"\r\n'],
    [['two\nlines'], '"two\nlines"\r\n'],
    [[new Date(0)], '1970-01-01T00:00:00.000Z\r\n'],
    [[['a', 'b']], '"[""a"",""b""]"\r\n'],
    [["=HYPERLINK('x')"], "'=HYPERLINK('x')\r\n"],
    [['@SUM(1)'], "'@SUM(1)\r\n"],
    [['-1 + 2'], "'-1 + 2\r\n"],
    [[-1], '-1\r\n'],
    [['\tx'], "'\tx\r\n"],
  ])('%j', (values, record) => {
    expect(csvRecord(values)).toBe(record);
  });

  test('every text comes back as it was, but for the mark before a formula, and never begins like one', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), (texts) => {
        const back = read(csvRecord(texts));
        expect(back.map((field, index) => (field === `'${texts[index]}` ? texts[index] : field))).toEqual(texts);
        for (const field of back) expect(field).not.toMatch(/^[=+\-@\t\r]/);
      }),
    );
  });
});
