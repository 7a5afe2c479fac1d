import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../journal/bytes';
import type { StatementEntry } from '../journal/entries';
import { type Definition, readDefinition, readStatement, writeJudged, writeSession, writeStatement, writeText } from '../journal/records';
import { testIntent } from '../ship/testing';
import type { RecordEntry } from './leaf';
import { VALUE_FIELDS } from './leaf';
import { holdsNothing, leafText } from './leafText';

const place = { node: 'a"b', journal: { name: 'w1', seq: 4 } };

/** What JSON makes of the whole object. */
function expected(entry: RecordEntry, commitments: Record<string, string> | null): string {
  const clear: Record<string, unknown> = { ...entry };
  const lifted: readonly string[] = entry.type === 'statement' || entry.type === 'result' ? VALUE_FIELDS[entry.type] : [];
  for (const name of lifted) if (!holdsNothing(clear[name])) clear[name] = undefined;
  return JSON.stringify({
    v: 1,
    node: place.node,
    journal: place.journal.name,
    seq: place.journal.seq,
    entry: clear,
    values: commitments ?? undefined,
  });
}

/** An entry as it comes out of a journal. */
function throughJournal(entry: StatementEntry): StatementEntry {
  const written = (write: (out: ByteWriter) => void) => {
    const out = new ByteWriter(64);
    write(out);
    return out.bytes.subarray(0, out.length);
  };
  const definitions: Definition[] = [];
  const definitionAt = (at: number) => definitions[at] ?? { session: entry };
  for (const write of [
    (out: ByteWriter) => writeSession(out, entry),
    (out: ByteWriter) => writeJudged(out, entry),
    (out: ByteWriter) => writeText(out, entry, 1),
  ])
    definitions.push(readDefinition(written(write), definitionAt));
  const payload = written((out) => writeStatement(out, entry, { session: 0, statement: 2 }));
  return readStatement(payload, definitionAt);
}

const text = fc.oneof(
  fc.constantFrom('', 'a', 'é"\\\n'),
  fc.string({ unit: 'binary', maxLength: 8 }).map((one) => Buffer.from(one).toString()),
);
const orNull = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: null });
const statements = fc
  .record({
    id: text,
    sessionId: fc.constantFrom('ses_1', 'ses_2'),
    principalName: fc.constantFrom('bot', 'bo"t'),
    ownerName: orNull(fc.constantFrom('ana', 'bo')),
    clientAddress: fc.constantFrom('10.0.0.1:5', '10.0.0.1:6'),
    atMs: fc.double(),
    analysisMs: fc.double(),
    kind: fc.constantFrom('SELECT', 'UPDATE'),
    sql: text,
    rewritten: orNull(text),
    executes: orNull(text),
    fingerprint: fc.constantFrom('f', 'g'),
    touchedColumns: fc.constantFrom([], ['public.t.a']),
    relations: fc.constantFrom([], [{ name: 'public.t', access: 'read' as const }], [{ name: 'public.t', access: 'write' as const }]),
    effects: fc.constantFrom(['read'], ['update', 'read']),
    unbounded: fc.boolean(),
    verdict: fc.constantFrom('allow' as const, 'deny' as const),
    rule: orNull(fc.constant('r')),
    why: fc.constantFrom('', 'default'),
    tried: fc.constantFrom([], [{ rule: 'r', mode: 'enforce' as const, action: 'deny' as const, matched: true, why: 'so' }]),
    protocol: fc.constantFrom('simple' as const, 'extended' as const),
    parameters: fc.array(fc.record({ typeOid: fc.nat(100), value: orNull(text) }), { maxLength: 2 }),
    policyVersion: fc.nat(3),
    requestId: orNull(fc.constant('req_1')),
    grantId: orNull(fc.constant('grn_1')),
    breakGlass: orNull(text),
    status: fc.constantFrom('running' as const, 'denied' as const),
    sqlstate: orNull(fc.constant('42501')),
    transactionStatus: fc.constantFrom('I', 'T'),
    transactionId: orNull(fc.constantFrom('txn_1', 'txn_2')),
    runOf: orNull(fc.constantFrom('stm_1', 'stm_2')),
    reviewers: fc.constantFrom(undefined, [{ name: 'bo', decision: 'approve' as const }]),
  })
  .map((more) => testIntent('stm_1', more));

test('a statement out of a journal is written as JSON writes it, whatever was written before it', () => {
  // Many in a row: what one shares with another is remembered between them.
  fc.assert(
    fc.property(fc.array(statements, { minLength: 1, maxLength: 20 }), (entries) => {
      for (const entry of entries.map(throughJournal)) {
        expect(leafText(entry, place, null)).toBe(expected(entry, null));
        expect(leafText(entry, place, '{"sql":"c"}')).toBe(expected(entry, { sql: 'c' }));
      }
    }),
  );
});

test('of statements that share a list of relations, and nothing else, each is written as it is', () => {
  const one = throughJournal(testIntent('stm_1'));
  leafText(one, place, null);
  for (const [name, value] of Object.entries(throughJournal(testIntent('other', OTHER)))) {
    if (name === 'type') continue;
    const other = { ...one, [name]: value };
    expect(leafText(other, place, null)).toBe(expected(other, null));
    expect(leafText(one, place, null)).toBe(expected(one, null));
  }
});

const OTHER: Partial<StatementEntry> = {
  ...{ sessionId: 'ses_9', principalName: 'cat', ownerName: null, connectionName: 'house', clientAddress: '10.9.9.9:9' },
  ...{ applicationName: 'app', atMs: 5, kind: 'DELETE', sql: '', rewritten: 'r', executes: 'e', fingerprint: 'h', shape: 's' },
  ...{ touchedColumns: [], effects: [], unbounded: true, verdict: 'deny', rule: 'no', why: '', protocol: 'simple' },
  ...{ tried: [{ rule: 'r', mode: 'off', action: 'hold', matched: true, why: 'w' }], parameters: [], policyVersion: 9, requestId: 'req_9' },
  ...{ grantId: 'grn_9', breakGlass: 'fire', reviewers: [], status: 'denied', sqlstate: '42501', analysisMs: 9, transactionStatus: 'E' },
  ...{ transactionId: 'txn_9', runOf: 'stm_9' },
};

test('a field that is not there is left out, and other entries are written as they are', () => {
  const { shape: _shape, ...without } = testIntent('stm_1', { tried: [] });
  const text = leafText(without, place, null);
  expect(text).not.toContain('"shape"');
  expect(text).not.toContain('"runOf"');
  expect(JSON.parse(text).entry).toEqual(JSON.parse(expected(without, null)).entry);
  const result: RecordEntry = { type: 'result', id: 'stm_1', principalName: 'bot', atMs: 1, rows: [['secret']] };
  for (const entry of [result, { ...result, rows: [] }, { type: 'outcome', id: 'stm_1', status: 'done' } satisfies RecordEntry])
    expect(leafText(entry, place, null)).toBe(expected(entry, null));
});
