import { Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { loadParser, parseStatements } from '../sql/parse';
import { Backend } from '../wire/messages';
import { type CellMask, CellOut } from './cellOut';
import { type CopyOptions, copyOptionsOf } from './copy/options';
import { CopyMask, copyMaskProblem, copyOutDisagreement } from './copyOut';

/** What a submitted command of node-postgres may use of its connection. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** node-postgres reads the messages; the socket keeps their bytes. */
class RawClient {
  readonly client: pg.Client;
  #received: Buffer[] = [];

  constructor(url: string) {
    const socket = new Socket();
    socket.on('data', (chunk) => this.#received.push(Buffer.from(chunk)));
    this.client = new pg.Client({ connectionString: url, stream: () => socket });
  }

  /** CopyOutResponse and the CopyData messages, each whole. */
  async out(sql: string): Promise<{ response: Buffer; data: Buffer[] }> {
    this.#received = [];
    await this.#run(sql, null);
    const messages: Buffer[] = [];
    const bytes = Buffer.concat(this.#received);
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + bytes.readUInt32BE(at + 1);
      messages.push(bytes.subarray(at, end));
      at = end;
    }
    const response = messages.find((message) => message[0] === Backend.copyOutResponse);
    if (response === undefined) throw new Error('no CopyOutResponse');
    return { response, data: messages.filter((message) => message[0] === Backend.copyData) };
  }

  async in(sql: string, data: Buffer): Promise<void> {
    await this.#run(sql, data);
  }

  #run(sql: string, data: Buffer | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const command = {
        submit: (connection: CopyConnection) => connection.query(sql),
        handleCopyInResponse(connection: CopyConnection) {
          if (data !== null) connection.sendCopyFromChunk(data);
          connection.endCopyFrom();
        },
        handleCopyData: () => undefined,
        handleCommandComplete: () => undefined,
        handleError: reject,
        handleReadyForQuery: () => resolve(),
      };
      // node-postgres takes any object with these methods and types only its own.
      this.client.query(command as unknown as pg.Submittable);
    });
  }
}

let database: TestDatabase;
let raw: RawClient;
const query = async (sql: string, values: unknown[] = []) =>
  (await raw.client.query({ text: sql, values, rowMode: 'array' })).rows as unknown[][];

const NASTY: readonly (string | null)[] = [
  null,
  '',
  ' ',
  '\\',
  '\\\\',
  '\\.',
  '.',
  '\\N',
  'N',
  '\\n',
  '"',
  '""',
  "'",
  'a"b',
  ',',
  ';',
  '|',
  '\t',
  'a\tb,c;d|e',
  '\n',
  '\r',
  '\r\n',
  'line\nline\r\nline\\',
  '\b\f\v\x01\x1f\x7f',
  'none',
  'e',
  'q',
  'qeq',
  'ÿøß 漢字 😀',
  '漢\\字"\n',
  '\\x41\\101\\t',
  '{"a": "b\\n"}',
  '*',
];

/** Options of COPY … TO, and of the COPY … FROM that reads it. */
const OPTIONS: readonly (readonly [to: string, from?: string])[] = [
  [''],
  ['(FORMAT text)'],
  [`(DELIMITER '|')`],
  [`(DELIMITER ',', NULL E'\\\\-', HEADER)`],
  [`(NULL '')`],
  [`(DELIMITER E'\\b')`],
  [`(DELIMITER E'\\x01')`],
  [`WITH DELIMITER ';' NULL '\\N'`],
  ['(FORMAT csv)'],
  ['(FORMAT csv, HEADER)'],
  ['(FORMAT csv, HEADER 0)'],
  [`(FORMAT csv, NULL 'none')`],
  [`(FORMAT csv, NULL '\\N', DELIMITER E'\\t')`],
  [`(FORMAT csv, QUOTE '''', ESCAPE '\\', DELIMITER ';', HEADER true)`],
  [`(FORMAT csv, QUOTE 'q', ESCAPE 'e', DELIMITER '|', NULL '*')`],
  [`(FORMAT csv, ESCAPE ',')`],
  ['(FORMAT csv, FORCE_QUOTE *)', '(FORMAT csv)'],
  [`(FORMAT csv, FORCE_QUOTE (secret, id), NULL 'e', ENCODING 'utf-8')`, `(FORMAT csv, NULL 'e')`],
  ['CSV HEADER FORCE QUOTE secret', 'CSV HEADER'],
  ['(FORMAT binary)'],
  ['WITH BINARY'],
];
const COLUMNS = ['id', 'plain', 'secret', 'amount'];
const QUERY = 'SELECT id, plain, secret, amount FROM nasty ORDER BY id';

function optionsOf(sql: string): CopyOptions {
  const [statement] = parseStatements(sql);
  const answer = statement === undefined ? null : copyOptionsOf(statement.node);
  if (answer?.state !== 'known') throw new Error(`no options: ${answer?.problem ?? ''}`);
  return answer.options;
}

const same: CellMask = (bytes, start, end, out) => {
  out.append(bytes, start, end);
  return true;
};
/** As hard to write as the worst of the values; some become NULL. */
const twistedText = (value: string) => (value.length === 1 ? null : `${[...value].reverse().join('')}\\\t"',;|\n\r\\.qe`);
const twist: CellMask = (bytes, start, end, out) => {
  const masked = twistedText(bytes.toString('utf8', start, end));
  if (masked !== null) out.text(masked);
  return masked !== null;
};
const seven: Record<CopyOptions['format'], CellMask> = {
  text: (_bytes, _start, _end, out) => {
    out.text('7');
    return true;
  },
  csv: (bytes, start, end, out) => seven.text(bytes, start, end, out),
  binary: (_bytes, _start, _end, out) => {
    out.int32(7);
    return true;
  },
};

function masked(options: CopyOptions, columns: readonly (CellMask | null)[], messages: readonly Buffer[], names = COLUMNS): Buffer {
  const out = new CellOut();
  const mask = new CopyMask({ options, columns, names, out });
  for (const message of messages) mask.push(message, 5, message.length);
  mask.finish();
  return Buffer.from(out.bytes.subarray(0, out.length));
}

function bodies(messages: Buffer): Buffer {
  const found: Buffer[] = [];
  for (let at = 0; at < messages.length; ) {
    const end = at + 1 + messages.readUInt32BE(at + 1);
    found.push(messages.subarray(at + 5, end));
    at = end;
  }
  return Buffer.concat(found);
}

beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  raw = new RawClient(database.url);
  await raw.client.connect();
  await query('CREATE TABLE nasty (id int, plain text, secret text, amount int)');
  await query('CREATE TABLE loaded (id int, plain text, secret text, amount int)');
  for (const [at, secret] of NASTY.entries()) {
    const plain = NASTY[(at + 7) % NASTY.length] ?? null;
    await query('INSERT INTO nasty VALUES ($1, $2, $3, $4)', [at, plain, secret, at % 3 === 0 ? null : at * 1000]);
  }
}, 60_000);

afterAll(async () => {
  await raw.client.end();
  await database.drop();
});

describe.each(OPTIONS)('COPY … TO STDOUT %s', (to, from = to) => {
  const sql = `COPY (${QUERY}) TO STDOUT ${to}`;

  it('is announced as expected, and identity masks leave every byte', async () => {
    const options = optionsOf(sql);
    const { response, data } = await raw.out(sql);
    expect(copyOutDisagreement(response, options, [null, null, null, null])).toBeNull();
    for (const columns of [
      [same, same, same, same],
      [null, null, same, null],
      [same, null, null, null],
      [null, null, null, same],
    ]) {
      expect(masked(options, columns, data)).toEqual(Buffer.concat(data));
    }
  });

  it('masked is what COPY … FROM STDIN reads as the masked rows', async () => {
    const options = optionsOf(sql);
    const { data } = await raw.out(sql);
    const stream = bodies(masked(options, [null, null, twist, seven[options.format]], data));
    await query('TRUNCATE loaded');
    await raw.in(`COPY loaded FROM STDIN ${from}`, stream);
    // Text format with an empty NULL string cannot tell an empty value from NULL.
    const asRead = (value: unknown) => (value === '' && options.format === 'text' && options.nullString.length === 0 ? null : value);
    const expected = (await query(QUERY)).map(([id, plain, secret, amount]) => [
      id,
      asRead(plain),
      asRead(secret) === null ? null : twistedText(String(secret)),
      amount === null ? null : 7,
    ]);
    expect(await query('SELECT * FROM loaded ORDER BY id')).toEqual(expected);
    expect(expected.filter((row) => row[2] !== null).length).toBeGreaterThan(15);
  });

  it('comes out the same wherever the stream is cut', async () => {
    const options = optionsOf(sql);
    const columns = [null, null, twist, seven[options.format]];
    const { data } = await raw.out(sql);
    const stream = Buffer.concat(data.map((message) => message.subarray(5)));
    const expected = bodies(masked(options, columns, data));
    const cut = (...marks: number[]) =>
      [0, ...marks].map((start, at) => Buffer.concat([Buffer.alloc(5), stream.subarray(start, marks[at] ?? stream.length)]));
    for (let at = 0; at <= stream.length; at++) expect(bodies(masked(options, columns, cut(at))).equals(expected)).toBe(true);
    const everywhere = Array.from({ length: stream.length }, (_, at) => at);
    expect(bodies(masked(options, columns, cut(...everywhere))).equals(expected)).toBe(true);
  });
});

describe('COPY as the server sends it', () => {
  it.each(['text', 'csv', 'binary'])('%s: a single column, no rows, no columns, a megabyte', async (format) => {
    await query('CREATE TABLE IF NOT EXISTS bare ()');
    await query('TRUNCATE bare');
    await query('INSERT INTO bare DEFAULT VALUES');
    await query('INSERT INTO bare DEFAULT VALUES');
    const megabyte = `SELECT 1, repeat(E'ab\\t"\\\\\\n,ø', 100000), 2 UNION ALL SELECT 3, repeat('x', 1048576), 4`;
    for (const [source, width] of [
      [`(SELECT secret FROM nasty ORDER BY id)`, 1],
      [`(SELECT secret FROM nasty WHERE false)`, 1],
      ['nasty (secret, id)', 2],
      ['bare', 0],
      [`(${megabyte})`, 3],
    ] as const) {
      const sql = `COPY ${source} TO STDOUT (FORMAT ${format})`;
      const { response, data } = await raw.out(sql);
      const columns = Array.from({ length: width }, () => same);
      expect(copyOutDisagreement(response, optionsOf(sql), columns)).toBeNull();
      expect(masked(optionsOf(sql), columns, data).equals(Buffer.concat(data))).toBe(true);
    }
  });

  it.each(['text', 'csv', 'binary'])('%s: a single column of nothing but awkward values is read back as masked', async (format) => {
    await query('CREATE TABLE IF NOT EXISTS lone (secret text)');
    await query('TRUNCATE lone');
    const values = NASTY.filter((value) => value !== null);
    let next = 0;
    const give: CellMask = (_bytes, _start, _end, out) => {
      out.text(values[next++] ?? '');
      return true;
    };
    const sql = `COPY (SELECT 'x' FROM generate_series(1, ${values.length})) TO STDOUT (FORMAT ${format})`;
    const { data } = await raw.out(sql);
    await raw.in(`COPY lone FROM STDIN (FORMAT ${format})`, bodies(masked(optionsOf(sql), [give], data)));
    expect((await query('SELECT secret FROM lone')).map(([value]) => value)).toEqual(values);
  });

  it('FORCE_QUOTE of a name that two columns have means the first', async () => {
    const sql = `COPY (SELECT 'a' AS x, 'b' AS x, 'c' AS y) TO STDOUT (FORMAT csv, FORCE_QUOTE (x))`;
    const { data } = await raw.out(sql);
    expect(bodies(Buffer.concat(data)).toString()).toBe('"a",b,c\n');
    expect(masked(optionsOf(sql), [same, same, same], data, ['x', 'x', 'y'])).toEqual(Buffer.concat(data));
  });

  it('an ambiguous NULL string would show who holds a value, and is refused', async () => {
    const sql = `COPY (SELECT 'none' UNION ALL SELECT NULL) TO STDOUT (NULL 'none')`;
    const { data } = await raw.out(sql);
    expect(bodies(Buffer.concat(data)).toString()).toBe('none\nnone\n');
    expect(copyMaskProblem(optionsOf(sql), [same])).not.toBeNull();
  });

  it('what the server refuses was a problem already', async () => {
    const refused = async (options: string) =>
      raw.out(`COPY (SELECT 1) TO STDOUT ${options}`).then(
        () => false,
        () => true,
      );
    for (const options of [
      `(FORMAT csv, HEADER 2)`,
      `(FORMAT csv, HEADER match)`,
      `(FORMAT csv, HEADER yes)`,
      `(FORMAT 'CSV')`,
      `(DELIMITER 'a')`,
      `(DELIMITER 7)`,
      `(DELIMITER 'ab')`,
      `(NULL E'a\\nb')`,
      `(QUOTE '"')`,
      `(FORCE_QUOTE *)`,
      `(FORMAT binary, HEADER)`,
      `(FORMAT csv, FORMAT csv)`,
      `(FORMAT csv, QUOTE ',')`,
      `(FORMAT csv, NULL 'a"b')`,
    ]) {
      expect([options, await refused(options)]).toEqual([options, true]);
      expect(() => optionsOf(`COPY (SELECT 1) TO STDOUT ${options}`)).toThrow('no options');
    }
  });
});
