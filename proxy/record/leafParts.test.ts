import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testIntent, testOutcome } from '../ship/testing';
import type { Leaf } from './leaf';
import { createPartsReader, outcomeIn, type StatementParts } from './leafParts';
import { leafText, textOf } from './leafText';
import { statements, throughJournal } from './testing';

const place = { node: 'a,"sessionId":"b', journal: { name: 'w1', seq: 4 } };
const partsOf = createPartsReader();
const read = (leaf: Buffer) => partsOf(leaf.toString(), leaf);

const entryOf = (parts: StatementParts | null) =>
  parts === null ? null : { type: 'statement', ...parts.own, ...parts.who, ...parts.what, ...parts.how };

test('a statement is read as JSON reads it, whatever was read before it', () => {
  fc.assert(
    fc.property(fc.array(statements, { minLength: 1, maxLength: 20 }), (entries) => {
      for (const entry of entries.map(throughJournal))
        for (const commitments of [null, '{"sql":"c"}', '{"sql":"c","breakGlass":"d"}']) {
          const text = textOf(leafText(entry, place, commitments));
          const parts = read(Buffer.from(text));
          expect(entryOf(parts)).toEqual((JSON.parse(text) as Leaf).entry);
          expect(parts).toMatchObject({ hasValues: commitments !== null, brokeGlass: commitments?.includes('breakGlass') ?? false });
        }
    }),
  );
});

test('what parts say alike is one object', () => {
  const [one, other] = ['stm_1', 'stm_2'].map((id) => read(Buffer.from(textOf(leafText(testIntent(id), place, null)))));
  expect(one?.own).toMatchObject({ id: 'stm_1' });
  expect(other?.own).toMatchObject({ id: 'stm_2' });
  for (const part of ['who', 'what', 'how'] as const) expect(one?.[part]).toBe(other?.[part]);
});

test('names of fields that stand within strings part nothing', () => {
  const hostile = ',"atMs":1,"kind":"x","protocol":"y","analysisMs":2},"values":{"breakGlass":"z"';
  const entry = testIntent('stm_1', {
    applicationName: hostile,
    shape: hostile,
    rule: hostile,
    principalName: hostile,
    requestId: hostile,
  });
  const text = textOf(leafText(entry, place, null));
  const parts = read(Buffer.from(text));
  expect(entryOf(parts)).toEqual((JSON.parse(text) as Leaf).entry);
  expect(parts).toMatchObject({ hasValues: false, brokeGlass: false });
});

describe('what is not written as this version writes it is left to JSON', () => {
  const entry = (JSON.parse(textOf(leafText(testIntent('stm_1'), place, null))) as Leaf).entry;
  const leafOf = (fields: Record<string, unknown>) =>
    Buffer.from(JSON.stringify({ v: 1, node: 'a', journal: 'w1', seq: 4, entry: fields }));

  test('the entry as it is can be read', () => expect(entryOf(read(leafOf(entry)))).toEqual(entry));

  const { analysisMs, rule, ownerName, ...rest } = entry;
  test.each<[string, Record<string, unknown>]>([
    ['an outcome', { type: 'outcome', id: 'stm_1', status: 'done' }],
    ['fields in another order', Object.fromEntries(Object.entries(entry).reverse())],
    ['another field first', Object.fromEntries([['type', 'statement'], ['at', 1], ...Object.entries(entry)])],
    ['a field that is missing', { ...rest, rule, ownerName }],
    ['a field in another part', { ...rest, ownerName, analysisMs, rule }],
    ['a field that nobody knows', { ...entry, mood: 'good' }],
    ['a part that ends within another field', { ...entry, relations: [{ name: 'public.t', protocol: 'x', access: 'read' }] }],
  ])('%s', (_, fields) => expect(read(leafOf(fields))).toBeNull());

  test('no JSON', () => {
    const text = leafOf(entry).toString();
    for (const broken of [text.slice(0, -20), text.replace('"effects":[', '"effects":[['), '', '{'])
      expect(read(Buffer.from(broken))).toBeNull();
  });
});

test('an outcome is read as JSON reads it, and nothing else is', () => {
  const hostile = testOutcome('stm_"},\\', { maskedColumns: ['a."b,"entry":{"type":"outcome",'], sqlstate: '}}' });
  for (const entry of [testOutcome('stm_1'), hostile]) {
    const text = textOf(leafText(entry, place, null));
    expect(outcomeIn(text)).toEqual((JSON.parse(text) as Leaf).entry);
    expect(outcomeIn(textOf(leafText(entry, place, '{"a":"b"}')))).toBeNull();
  }
  expect(outcomeIn(textOf(leafText(testIntent('stm_1'), place, null)))).toBeNull();
  expect(outcomeIn('')).toBeNull();
});
