import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../../db/embedded/testing';
import type { MaskSpec } from '../../../db/schema/shapes';
import { loadCatalog } from '../../catalog/load';
import type { CatalogSnapshot } from '../../catalog/types';
import { CellOut } from '../cellOut';
import { detectingMask } from './detectingMask';
import { DetectionHits } from './hits';
import type { DetectingRule } from './rules';

const CARD = '4111 1111 1111 1111';
const DIGITS = '4111111111111111';
const KEY = Buffer.alloc(32, 7);

const rule = (spec: MaskSpec, change: Partial<DetectingRule> = {}): DetectingRule => ({
  rule: 'anywhere',
  detectors: ['credit_card', 'ssn', 'email', 'iban', 'phone', 'api_key'],
  spec,
  mode: 'enforce',
  ...change,
});
const REDACT = [rule({ type: 'redact' })];

let database: TestDatabase;
let client: pg.Client;
let catalog: CatalogSnapshot;

beforeAll(async () => {
  database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`
    create domain note as text; create domain notes as note[]; create type pair as (id int, note text);
    create type mood as enum ('4111111111111111', 'fine'); create extension hstore; create extension citext;
    create type word_range as range (subtype = text);
  `);
  catalog = await loadCatalog(client);
}, 120_000);

afterAll(async () => {
  await client.end();
  await database.drop();
});

interface Cell {
  bytes: Buffer;
  typeOid: number;
}

/** One value as the server sends it. */
async function cellOf(expression: string, format: 0 | 1): Promise<Cell> {
  const types = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;
  const { rows, fields } = await client.query({ text: `select ${expression} as v`, rowMode: 'array', types });
  const typeOid = fields[0]?.dataTypeID ?? 0;
  if (format === 0) return { bytes: Buffer.from(rows[0]?.[0]), typeOid };
  // pg reads every cell as UTF-8, so the binary form is asked for by the type's own function.
  const send = (await client.query('select typsend::text as f from pg_type where oid = $1', [typeOid])).rows[0].f as string;
  return { bytes: (await client.query(`select ${send}(v)::bytea as v from (select ${expression} as v) as t`)).rows[0].v, typeOid };
}

/** What leaves; null is NULL. `stale` bytes stand around the cell and before what is written. */
function masked({ bytes, typeOid }: Cell, format: number, rules: readonly DetectingRule[], hits = new DetectionHits(rules)): Buffer | null {
  const mask = detectingMask(rules, typeOid, format, catalog.types, KEY, hits);
  if (mask === null) return bytes;
  const out = new CellOut(4);
  out.text('kept');
  const around = Buffer.concat([Buffer.from('4111'), bytes, Buffer.from('1111')]);
  const stays = mask(around, 4, 4 + bytes.length, out);
  expect(out.bytes.toString('utf8', 0, 4)).toBe('kept');
  if (!stays) expect(out.length).toBe(4);
  return stays ? Buffer.from(out.bytes.subarray(4, out.length)) : null;
}

/** The server reads what left, in the format it left in, and says it as text. */
async function readBack(bytes: Buffer | null, expression: string, format: 0 | 1): Promise<string | null> {
  if (bytes === null) return null;
  const type = (await client.query(`select format_type(pg_typeof(${expression})::oid, null) as t`)).rows[0].t.replace(
    /^character$/,
    'bpchar',
  );
  const value = format === 1 ? bytes : bytes.toString('utf8');
  return (await client.query(`select ($1::${type})::text as v`, [value])).rows[0].v;
}

describe.each([0, 1] as const)('in format %i', (format) => {
  test.each<[expression: string, leaves: string | null]>([
    [`'charge ${CARD} now'`, 'charge *** now'],
    [`'a@b.co and ${CARD}'::varchar`, '*** and ***'],
    [`'${DIGITS}'::bpchar`, '***'],
    [`'${DIGITS}'::name`, '***'],
    [`'ana@example.com'::citext`, '***'],
    [`'ana@example.com'::note`, '***'],
    [`xml '<a>${CARD}</a>'`, '<a>***</a>'],
    [`jsonb '{"a": "see ${CARD}", "b": [1, "ana@example.com"], "c": null}'`, '{"a": "see ***", "b": [1, "***"], "c": null}'],
    [`json '{"a" : "\\u0034111 1111 1111 1111\\n"}'`, '{"a" : "***\\n"}'],
    [`json '{"a":"say \\"${CARD}\\""}'`, '{"a":"say \\"***\\""}'],
    [`jsonb '{"n": ${DIGITS}, "m": 12}'`, '{"m": 12, "n": null}'],
    [`json '{"n": ${DIGITS}.00, "m":4.111111111111111e15}'`, '{"n": null, "m":null}'],
    [`jsonb '{"ssn": 123456789, "order": 123456789}'`, '{"ssn": null, "order": 123456789}'],
    [`jsonb '{"phone": "5551234567", "count": "5551234567"}'`, '{"count": "5551234567", "phone": "***"}'],
    [`json '{"ssn": null, "123456789": "123456789"}'`, '{"ssn": null, "123456789": "123456789"}'],
    [`jsonb '{"ana@example.com": 1}'`, '{"***": 1}'],
    [`jsonb '"${DIGITS}"'`, '"***"'],
    [`jsonb '${DIGITS}'`, 'null'],
    [`array['x', 'card ${CARD}', null, 'NULL', '']`, '{x,"card ***",NULL,"NULL",""}'],
    [`array['say "${CARD}"', 'a\\b']`, '{"say \\"***\\"","a\\\\b"}'],
    [`array[['${DIGITS}', 'b'], ['c,d', 'e@f.org']]`, '{{***,b},{"c,d",***}}'],
    [`'[2:3]={a@b.co,x}'::text[]`, '[2:3]={***,x}'],
    [`array['a@b.co']::note[]`, '{***}'],
    [`array['a@b.co']::notes`, '{***}'],
    [`array[jsonb '{"a": "${DIGITS}"}', jsonb '1']`, '{"{\\"a\\": \\"***\\"}",1}'],
    [`array[1, ${DIGITS}, null]::bigint[]`, '{1,NULL,NULL}'],
    [`array[${DIGITS}.00, 0.5]::numeric[]`, '{NULL,0.5}'],
    [`${DIGITS}::bigint`, null],
    [`-${DIGITS}::bigint`, null],
    [`${DIGITS}::numeric`, null],
    [`${DIGITS}.00::numeric`, null],
    [`6799990100000000019::numeric`, null],
    [`${DIGITS}::float8`, null],
    [`row(1, 'card ${CARD}')::pair`, null],
    [`hstore('a', 'card ${CARD}')`, null],
    [`to_tsvector('simple', '${DIGITS}')`, null],
    [`jsonpath '$.a == "${DIGITS}"'`, null],
    [`word_range('${DIGITS}', 'z')`, null],
  ])('%s leaves as %s', async (expression, leaves) => {
    const bytes = masked(await cellOf(expression, format), format, REDACT);
    expect(await readBack(bytes, expression, format)).toBe(leaves);
  });

  test.each([
    `'nothing at all'`,
    `''`,
    `'order 123456789 of 2026-11-25 18:29:47'`,
    `jsonb '{"a": [1, 2.50, true, null, {"b": "c\\n\\"d\\""}], "big": 12345678901234567890}'`,
    `json '{ "a" :  "\\u00e9\\/x" , "n":1e5 }'`,
    `json '"4111\\u00201111"'`,
    `array['a', null, 'b c', '{', '"', '\\', '']`,
    `'{}'::text[]`,
    `array[[1,2],[3,4]]::bigint[]`,
    `array[1.5, 'NaN', 'Infinity']::numeric[]`,
    `4111111111111112::bigint`,
    `0::bigint`,
    `4111111111111111.5::numeric`,
    `'NaN'::numeric`,
    `1e300::float8`,
    `row(1, 'x')::pair`,
    `row(1, null, row('a', 2), array['x'])`,
    `hstore('a', 'b')`,
    `'\\x34313131313131313131313131313131'::bytea`,
    `convert_to('${CARD}', 'UTF8')`,
    `'${DIGITS}'::mood`,
    `'550e8400-e29b-41d4-a716-446655440000'::uuid`,
    `now()`,
    `'10.0.0.1'::inet`,
    `int8range(1, ${DIGITS})`,
    `point(1,2)`,
    `void_in('')`,
  ])('%s leaves as it came', async (expression) => {
    const cell = await cellOf(expression, format);
    expect(masked(cell, format, REDACT)).toEqual(cell.bytes);
  });

  test('every mask does to a span what it does to a text column', async () => {
    const cell = await cellOf(`'to ana@example.com, ${CARD}.'`, format);
    const as = (spec: MaskSpec) => masked(cell, format, [rule(spec)])?.toString() ?? null;
    expect(as({ type: 'partial', keepLast: 4 })).toBe('to ***@******e.com, **** **** **** 1111.');
    expect(as({ type: 'email' })).toBe('to a***@example.com, ***.');
    expect(as({ type: 'constant', value: '"hidden"' })).toBe('to "hidden", "hidden".');
    expect(as({ type: 'date', truncate: 'year' })).toBe('to ***, ***.');
    expect(as({ type: 'hash' })).toMatch(/^to h_[0-9a-f]{24}, h_[0-9a-f]{24}\.$/);
    expect(as({ type: 'null' })).toBe(null);
  });

  test('a constant is escaped where it lands', async () => {
    const rules = [rule({ type: 'constant', value: 'a"\\{,}' })];
    for (const expression of [
      `jsonb '{"a": "x ${DIGITS} y"}'`,
      `json '{"a": "\\t${DIGITS}"}'`,
      `array['${DIGITS}']`,
      `array[jsonb '"${DIGITS}"']`,
    ]) {
      const back = await readBack(masked(await cellOf(expression, format), format, rules), expression, format);
      expect(back).toContain(expression.includes('jsonb') && expression.startsWith('array') ? 'a\\\\\\"\\\\\\\\{,}' : 'a');
      expect(back).not.toContain(DIGITS);
    }
  });

  test('with null everything that holds a hit is NULL', async () => {
    const rules = [rule({ type: 'null' })];
    for (const expression of [
      `'x ${CARD}'`,
      `jsonb '["${DIGITS}"]'`,
      `jsonb '[${DIGITS}]'`,
      `array['a', '${DIGITS}']`,
      `array[1, ${DIGITS}]`,
      `${DIGITS}`,
    ])
      expect(masked(await cellOf(expression, format), format, rules), expression).toBe(null);
  });

  test('any JSON document is valid afterwards, and the same where nothing is found', async () => {
    const strings = fc.oneof(fc.string(), fc.constantFrom(CARD, `x ${DIGITS}`, 'ana@example.com', '123-45-6789', '\\', '"', '\u0007', 'é'));
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        strings,
        fc.integer(),
        fc.constant(4111111111111111),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constant(null),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      object: fc.dictionary(strings, tie('value'), { maxKeys: 4 }),
    })).value;
    fc.assert(
      fc.property(values, fc.constantFrom<114 | 3802>(114, 3802), fc.nat({ max: 2 }), (value, typeOid, indent) => {
        const text = Buffer.from(JSON.stringify(value, null, indent));
        const versioned = typeOid === 3802 && format === 1;
        const hits = new DetectionHits(REDACT);
        const left = masked({ bytes: versioned ? Buffer.concat([Buffer.of(1), text]) : text, typeOid }, format, REDACT, hits);
        if (left === null) throw new Error('a document became NULL');
        const document = versioned ? left.subarray(1) : left;
        expect(() => JSON.parse(document.toString())).not.toThrow();
        for (const secret of [CARD, DIGITS, 'ana@example.com', '123-45-6789'])
          expect(document.includes(secret) && !text.includes(`1${secret}`)).toBe(false);
        expect(document.equals(text)).toBe(hits.take().length === 0);
      }),
      { numRuns: 500 },
    );
  });

  test('any array of text survives', async () => {
    const elements = fc.array(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(null, 'NULL', '', `card ${CARD}`, '{', '}', ',', '"', '\\', ' ')),
      { maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(elements, async (values) => {
        const clean = values.map((value) => value?.replaceAll('\0', '') ?? null);
        const { rows } = await client.query('select $1::text[]::text as t, array_send($1::text[]) as b', [clean]);
        const bytes = format === 1 ? rows[0].b : Buffer.from(rows[0].t);
        const left = masked({ bytes, typeOid: 1009 }, format, [rule({ type: 'redact' }, { detectors: ['credit_card'] })]);
        const value = format === 1 ? left : left?.toString();
        const back = (await client.query('select array_to_json($1::text[]) as v', [value])).rows[0].v;
        expect(back).toEqual(clean.map((one) => one?.replace(CARD, '***') ?? null));
      }),
      { numRuns: 100 },
    );
  });
});

describe('several rules', () => {
  const text = (words: string): Cell => ({ bytes: Buffer.from(words), typeOid: 25 });

  test('the strictest mask of those that find a span wins, and each counts its cells', () => {
    const rules = [
      rule({ type: 'partial', keepLast: 4 }, { rule: 'loose', detectors: ['credit_card', 'email'] }),
      rule({ type: 'redact' }, { rule: 'strict', detectors: ['credit_card'] }),
      rule({ type: 'null' }, { rule: 'watched', detectors: ['email', 'ssn'], mode: 'observe' }),
    ];
    const hits = new DetectionHits(rules);
    expect(masked(text(`${CARD} a@b.co`), 0, rules, hits)?.toString()).toBe('*** ***');
    expect(masked(text('123-45-6789'), 0, rules, hits)?.toString()).toBe('123-45-6789');
    expect(masked(text('nothing'), 0, rules, hits)?.toString()).toBe('nothing');
    expect(hits.take()).toEqual([
      { rule: 'loose', detector: 'credit_card', mode: 'enforce', cells: 1 },
      { rule: 'loose', detector: 'email', mode: 'enforce', cells: 1 },
      { rule: 'strict', detector: 'credit_card', mode: 'enforce', cells: 1 },
      { rule: 'watched', detector: 'ssn', mode: 'observe', cells: 1 },
      { rule: 'watched', detector: 'email', mode: 'observe', cells: 1 },
    ]);
    expect(hits.take()).toEqual([]);
  });

  test('where spans overlap the stricter mask covers both', () => {
    const loose = rule({ type: 'partial', keepLast: 4 }, { rule: 'loose', detectors: ['email'] });
    const strict = rule({ type: 'redact' }, { rule: 'strict', detectors: ['ssn'] });
    for (const rules of [
      [loose, strict],
      [strict, loose],
    ])
      expect(masked(text('123-45-6789@example.com'), 0, rules)?.toString()).toBe('***');
  });

  test('spans that overlap are one', () => {
    expect(masked(text('pay DE89 3704 0044 0532 0130 00 or tel. 3704 0044'), 0, REDACT)?.toString()).toBe('pay *** or tel. ***');
    expect(masked(text('ssn 123-45-6789@example.com'), 0, REDACT)?.toString()).toBe('ssn ***');
  });

  test.each<[number, number, string]>([
    [25, 0, '***'],
    [114, 0, '"***"'],
    [3802, 0, '"***"'],
    [3802, 1, '\u0001"***"'],
  ])('what is too much to look through is masked whole (type %i, format %i)', (typeOid, format, leaves) => {
    const bytes = Buffer.alloc(8 * 1024 * 1024 + 1, 0x20);
    const hits = new DetectionHits(REDACT);
    expect(masked({ bytes, typeOid }, format, REDACT, hits)?.toString()).toBe(leaves);
    expect(hits.take()).toEqual([{ rule: 'anywhere', detector: 'unscanned', mode: 'enforce', cells: 1 }]);
    expect(masked({ bytes, typeOid }, format, [rule({ type: 'null' })])).toBe(null);
    expect(masked({ bytes, typeOid }, format, [rule({ type: 'redact' }, { mode: 'observe' })])?.length).toBe(bytes.length);
  });

  test('so is what is broken: a JSON string without an end, an array that ends inside a length', () => {
    expect(masked({ bytes: Buffer.from(`{"a": "${CARD}`), typeOid: 114 }, 0, REDACT)?.toString()).toBe('"***"');
    expect(masked({ bytes: Buffer.alloc(13), typeOid: 1009 }, 1, REDACT)).toBe(null);
    expect(masked({ bytes: Buffer.from(`{"${CARD}`), typeOid: 1009 }, 0, REDACT)).toBe(null);
  });

  test('an array that gets its first NULL says that it has one', async () => {
    const left = masked(await cellOf(`array[1, ${DIGITS}]::bigint[]`, 1), 1, REDACT);
    expect(left?.readInt32BE(4)).toBe(1);
  });

  test('a type the catalog does not have is looked at as bytes, and NULL when anything is found', () => {
    expect(masked({ bytes: Buffer.from(`(${CARD})`), typeOid: 99_999_999 }, 0, REDACT)).toBe(null);
    expect(masked({ bytes: Buffer.from('(1)'), typeOid: 99_999_999 }, 1, REDACT)?.toString()).toBe('(1)');
  });
});
