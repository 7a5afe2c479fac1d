import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StatementEntry } from '../journal/entries';
import { testIntent } from '../ship/testing';
import type { RecordEntry } from './leaf';
import { VALUE_FIELDS } from './leaf';
import { holdsNothing, leafText, STATEMENT_PARTS, textOf } from './leafText';
import { statements, throughJournal } from './testing';

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

test('a statement out of a journal is written as JSON writes it, whatever was written before it', () => {
  // Many in a row: what one shares with another is remembered between them.
  fc.assert(
    fc.property(fc.array(statements, { minLength: 1, maxLength: 20 }), (entries) => {
      for (const entry of entries.map(throughJournal)) {
        expect(textOf(leafText(entry, place, null))).toBe(expected(entry, null));
        expect(textOf(leafText(entry, place, '{"sql":"c"}'))).toBe(expected(entry, { sql: 'c' }));
      }
    }),
  );
});

test('of statements that share a list of relations, and nothing else, each is written as it is', () => {
  const one = throughJournal(testIntent('stm_1'));
  // Of each field there is another value to be told apart.
  const others = Object.keys(throughJournal(testIntent('other', OTHER)));
  for (const name of Object.values(STATEMENT_PARTS).flat()) expect(others).toContain(name);
  leafText(one, place, null);
  for (const [name, value] of Object.entries(throughJournal(testIntent('other', OTHER)))) {
    if (name === 'type') continue;
    const other = { ...one, [name]: value };
    expect(textOf(leafText(other, place, null))).toBe(expected(other, null));
    expect(textOf(leafText(one, place, null))).toBe(expected(one, null));
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
  const text = textOf(leafText(without, place, null));
  expect(text).not.toContain('"shape"');
  expect(text).not.toContain('"runOf"');
  expect(JSON.parse(text).entry).toEqual(JSON.parse(expected(without, null)).entry);
  const result: RecordEntry = { type: 'result', id: 'stm_1', principalName: 'bot', atMs: 1, rows: [['secret']] };
  for (const entry of [result, { ...result, rows: [] }, { type: 'outcome', id: 'stm_1', status: 'done' } satisfies RecordEntry])
    expect(textOf(leafText(entry, place, null))).toBe(expected(entry, null));
});
