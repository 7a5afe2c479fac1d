import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StatementEntry } from '../journal/entries';
import { opensCommitment } from '../tlog/commitment';
import { type Leaf, WORD_BYTES } from './leaf';
import { type Pieces, textOf } from './leafText';
import { sealEntry } from './seal';
import { openValues } from './valueBox';
import { wordKey, wordOf } from './words';

const statement = (given: Partial<StatementEntry> = {}): StatementEntry => ({
  type: 'statement',
  id: 'stm_1',
  sessionId: 'ses_1',
  principalName: 'bot',
  ownerName: null,
  connectionName: 'shop',
  clientAddress: '127.0.0.1:5',
  applicationName: 'psql',
  atMs: 1_700_000_000_000,
  kind: 'SELECT',
  sql: "SELECT * FROM customers WHERE email = 'alice@example.com'",
  rewritten: null,
  fingerprint: 'f',
  protocol: 'extended',
  parameters: [{ typeOid: 25, value: '4711-0815' }],
  relations: [{ name: 'public.customers', access: 'read' }],
  effects: ['read'],
  verdict: 'allow',
  rule: null,
  why: 'default',
  tried: [],
  policyVersion: 3,
  requestId: null,
  status: 'running',
  sqlstate: null,
  analysisMs: 0.2,
  transactionStatus: 'I',
  ...given,
});

const valueKey = { id: 'vky_1', key: randomBytes(32) };
const words = wordKey(Buffer.alloc(32, 7));
const options = { node: 'a', journal: { name: 'w1', seq: 4 }, valueKey, wordKey: words, random: randomBytes };
const leafOf = (text: Pieces) => JSON.parse(textOf(text)) as Leaf;

describe('an entry as a leaf', () => {
  test('has no value a client sent, and a commitment in its place that salt and value open', () => {
    const { text, values } = sealEntry(statement(), options);
    expect(textOf(text)).not.toMatch(/alice|4711/);
    expect(values?.sealed.box.toString('latin1')).not.toMatch(/alice|4711/);
    const leaf = leafOf(text);
    expect(Object.keys(leaf)).toEqual(['v', 'node', 'journal', 'seq', 'entry', 'values']);
    expect(leaf).toMatchObject({
      v: 1,
      node: 'a',
      journal: 'w1',
      seq: 4,
      entry: { type: 'statement', id: 'stm_1', rewritten: null, tried: [] },
    });
    expect(Object.keys(leaf.values ?? {}).sort()).toEqual(['parameters', 'sql', 'why']);
    const opened = openValues(values?.sealed ?? { keyId: '', box: Buffer.alloc(0) }, valueKey.key);
    expect(opened.sql?.[1]).toBe(statement().sql);
    expect(JSON.parse(opened.parameters?.[1] ?? '')).toEqual(statement().parameters);
    for (const [name, commitment] of Object.entries(leaf.values ?? {}))
      expect(opensCommitment(commitment, opened[name]?.[0] ?? '', name, opened[name]?.[1] ?? '')).toBe(true);
  });

  test('the same value twice has two commitments: nobody can tell that it is the same', () => {
    const [one, two] = [sealEntry(statement(), options), sealEntry(statement(), options)].map(({ text }) => leafOf(text).values?.sql);
    expect(one).not.toBe(two);
  });

  test('without values needs no key; with values and without a key it is refused', () => {
    const made = sealEntry({ type: 'outcome', id: 'stm_1', status: 'done', rows: 2 }, { ...options, valueKey: null });
    expect(made.values).toBe(null);
    expect(leafOf(made.text)).toEqual({
      v: 1,
      node: 'a',
      journal: 'w1',
      seq: 4,
      entry: { type: 'outcome', id: 'stm_1', status: 'done', rows: 2 },
    });
    expect(() => sealEntry(statement(), { ...options, valueKey: null })).toThrow('no key');
  });

  test('any text survives, and no other key, key id or byte opens the box', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(), (sql, at) => {
        const { text, values } = sealEntry(statement({ sql }), options);
        if (values === null) return;
        const leaf = leafOf(text);
        const opened = openValues(values.sealed, valueKey.key);
        if (sql !== '') {
          expect(opened.sql?.[1]).toBe(Buffer.from(sql).toString());
          expect(opensCommitment(leaf.values?.sql ?? '', opened.sql?.[0] ?? '', 'sql', opened.sql?.[1] ?? '')).toBe(true);
        }
        const box = Buffer.from(values.sealed.box);
        const place = at % box.length;
        box[place] = (box[place] ?? 0) ^ 1;
        expect(() => openValues({ ...values.sealed, box }, valueKey.key)).toThrow('do not open');
        expect(() => openValues({ ...values.sealed, keyId: 'vky_2' }, valueKey.key)).toThrow('do not open');
        expect(() => openValues(values.sealed, randomBytes(32))).toThrow('do not open');
      }),
    );
  });

  test('is found by its constants and parameters, and by their parts, whatever their case', () => {
    const { values } = sealEntry(statement({ sql: "SELECT 1 FROM t WHERE a LIKE '%Alice@Example.com%' AND n = 12.5" }), options);
    const bytes = values?.words ?? Buffer.alloc(0);
    const found = Array.from({ length: bytes.length / WORD_BYTES }, (_, at) => bytes.readBigInt64BE(at * WORD_BYTES));
    for (const term of ['alice@example.com', 'ALICE@example.com', '12.5', '4711-0815']) expect(found).toContain(wordOf(words, term));
    expect(found).not.toContain(wordOf(words, 'bob@example.com'));
    expect(wordOf(wordKey(Buffer.alloc(32, 8)), '12.5')).not.toBe(wordOf(words, '12.5'));
  });
});
