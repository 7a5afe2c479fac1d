import { beforeAll, describe, expect, it } from 'vitest';
import { loadParser, parseStatements } from '../../sql/parse';
import { type CopyOptions, type CopyOptionsAnswer, copyOptionsOf } from './options';

beforeAll(loadParser);

function options(text: string): CopyOptionsAnswer {
  const [statement] = parseStatements(text);
  if (statement === undefined) throw new Error('no statement');
  return copyOptionsOf(statement.node);
}

const bytes = (text: string) => Buffer.from(text);
const code = (character: string) => character.charCodeAt(0);
const TEXT: CopyOptions = { format: 'text', delimiter: 9, nullString: bytes('\\N'), header: false };
const CSV: CopyOptions = {
  format: 'csv',
  delimiter: code(','),
  nullString: bytes(''),
  header: false,
  quote: code('"'),
  escape: code('"'),
  forceQuote: [],
};

const KNOWN: readonly [text: string, options: CopyOptions][] = [
  ['COPY t TO STDOUT', TEXT],
  ['COPY (SELECT 1) TO STDOUT', TEXT],
  ['COPY t (a, b) TO STDOUT (FORMAT text)', TEXT],
  ['COPY t TO STDOUT (FORMAT TEXT, HEADER)', { ...TEXT, header: true }],
  [`COPY t TO STDOUT (DELIMITER '|', NULL 'none')`, { ...TEXT, delimiter: code('|'), nullString: bytes('none') }],
  [`COPY t TO STDOUT (NULL E'\\\\x')`, { ...TEXT, nullString: bytes('\\x') }],
  [`COPY t TO STDOUT (NULL 'a\\\\')`, { ...TEXT, nullString: bytes('a\\\\') }],
  [`COPY t TO STDOUT (NULL 'ø')`, { ...TEXT, nullString: bytes('ø') }],
  [`COPY t TO STDOUT WITH DELIMITER AS '|' NULL AS ''`, { ...TEXT, delimiter: code('|'), nullString: bytes('') }],
  [`COPY t TO STDOUT USING DELIMITERS '|'`, { ...TEXT, delimiter: code('|') }],
  [`COPY t TO STDOUT (ENCODING 'utf8')`, TEXT],
  [`COPY t TO STDOUT (ENCODING 'UTF-8')`, TEXT],
  [`COPY t TO STDOUT ENCODING 'Unicode'`, TEXT],
  ['COPY t TO STDOUT (FREEZE, ON_ERROR stop, LOG_VERBOSITY verbose)', TEXT],
  ['COPY t TO STDOUT (FORMAT csv)', CSV],
  [`COPY t TO STDOUT (FORMAT 'csv')`, CSV],
  ['COPY t TO STDOUT CSV', CSV],
  ['COPY t TO STDOUT WITH CSV HEADER', { ...CSV, header: true }],
  ...['HEADER', 'HEADER true', `HEADER 'On'`, 'HEADER 1', 'HEADER TRUE'].map((header): [string, CopyOptions] => [
    `COPY t TO STDOUT (FORMAT csv, ${header})`,
    { ...CSV, header: true },
  ]),
  ...['HEADER false', 'HEADER off', 'HEADER 0', `HEADER 'FALSE'`].map((header): [string, CopyOptions] => [
    `COPY t TO STDOUT (FORMAT csv, ${header})`,
    CSV,
  ]),
  [`COPY t TO STDOUT (FORMAT csv, QUOTE '''')`, { ...CSV, quote: code("'"), escape: code("'") }],
  [`COPY t TO STDOUT (FORMAT csv, ESCAPE '\\')`, { ...CSV, escape: code('\\') }],
  ['COPY t TO STDOUT (FORMAT csv, DELIMITER 7, NULL 1.50)', { ...CSV, delimiter: code('7'), nullString: bytes('1.50') }],
  ['COPY t TO STDOUT (FORMAT csv, NULL 0)', { ...CSV, nullString: bytes('0') }],
  ['COPY t TO STDOUT (FORMAT csv, NULL -7)', { ...CSV, nullString: bytes('-7') }],
  ['COPY t TO STDOUT (FORMAT csv, NULL *)', { ...CSV, nullString: bytes('*') }],
  ['COPY t TO STDOUT (FORMAT csv, NULL true)', { ...CSV, nullString: bytes('true') }],
  ['COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE *)', { ...CSV, forceQuote: '*' }],
  ['COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE (a, "B"))', { ...CSV, forceQuote: ['a', 'B'] }],
  ['COPY t TO STDOUT CSV FORCE QUOTE a, b', { ...CSV, forceQuote: ['a', 'b'] }],
  [
    `COPY t TO STDOUT WITH DELIMITER ';' NULL 'x' CSV HEADER QUOTE 'q' ESCAPE 'e' FORCE QUOTE *`,
    {
      format: 'csv',
      delimiter: code(';'),
      nullString: bytes('x'),
      header: true,
      quote: code('q'),
      escape: code('e'),
      forceQuote: '*',
    },
  ],
  ['COPY t TO STDOUT (FORMAT binary)', { format: 'binary' }],
  ['COPY t TO STDOUT (FORMAT binary, HEADER false)', { format: 'binary' }],
  ['COPY BINARY t TO STDOUT', { format: 'binary' }],
  ['COPY t TO STDOUT WITH BINARY', { format: 'binary' }],
];

const UNKNOWN: readonly string[] = [
  'COPY t FROM STDIN',
  `COPY t TO '/tmp/x'`,
  `COPY t TO PROGRAM 'cat'`,
  'SELECT 1',
  `COPY t TO STDOUT (FORMAT 'json')`,
  `COPY t TO STDOUT (FORMAT 'CSV')`,
  'COPY t TO STDOUT (FORMAT csv, FORMAT text)',
  'COPY t TO STDOUT (FORMAT csv, HEADER, HEADER false)',
  'COPY t TO STDOUT (FORMAT)',
  'COPY t TO STDOUT (FORMAT (csv))',
  'COPY t TO STDOUT ("FORMAT" csv)',
  'COPY t TO STDOUT (OIDS)',
  'COPY t TO STDOUT (COMPRESSION gzip)',
  `COPY t TO STDOUT (ENCODING 'latin1')`,
  `COPY t TO STDOUT (ENCODING 'SQL_ASCII')`,
  `COPY t TO STDOUT (FORMAT binary, ENCODING 'latin1')`,
  `COPY t TO STDOUT (DELIMITER 'ab')`,
  `COPY t TO STDOUT (DELIMITER '')`,
  `COPY t TO STDOUT (DELIMITER 'é')`,
  `COPY t TO STDOUT (DELIMITER 'a')`,
  `COPY t TO STDOUT (DELIMITER 7)`,
  `COPY t TO STDOUT (DELIMITER '\\')`,
  `COPY t TO STDOUT (DELIMITER E'\\n')`,
  `COPY t TO STDOUT (DELIMITER '|', NULL 'a|b')`,
  `COPY t TO STDOUT (NULL E'a\\nb')`,
  `COPY t TO STDOUT (NULL 'a\\')`,
  `COPY t TO STDOUT (NULL '\\\\\\')`,
  'COPY t TO STDOUT (NULL (a, b))',
  `COPY t TO STDOUT (QUOTE '"')`,
  'COPY t TO STDOUT (FORCE_QUOTE *)',
  'COPY t TO STDOUT (FORMAT csv, HEADER match)',
  'COPY t TO STDOUT (FORMAT csv, HEADER 2)',
  'COPY t TO STDOUT (FORMAT csv, HEADER yes)',
  'COPY t TO STDOUT (FORMAT csv, HEADER 1.0)',
  `COPY t TO STDOUT (FORMAT csv, QUOTE ',')`,
  `COPY t TO STDOUT (FORMAT csv, QUOTE E'\\n')`,
  `COPY t TO STDOUT (FORMAT csv, ESCAPE E'\\r')`,
  `COPY t TO STDOUT (FORMAT csv, QUOTE 'ü')`,
  `COPY t TO STDOUT (FORMAT csv, NULL 'a"b')`,
  'COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE a)',
  'COPY t TO STDOUT (FORMAT csv, FORCE_QUOTE)',
  `COPY t TO STDOUT (FORMAT binary, NULL 'x')`,
  'COPY t TO STDOUT (FORMAT binary, HEADER)',
];

describe('the options of COPY … TO STDOUT', () => {
  it.each(KNOWN)('%s', (text, expected) => {
    expect(options(text)).toEqual({ state: 'known', options: expected });
  });

  it.each(UNKNOWN)('%s is a problem', (text) => {
    const answer = options(text);
    expect(answer.state).toBe('unknown');
    if (answer.state === 'unknown') expect(answer.problem).toMatch(/^[A-Z].*\.$/);
  });
});
