import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestStore, withStore } from '../testing';
import { exportStatements } from './export';
import { getStatement } from './get';
import { searchStatements } from './search';
import { recordStatements } from './testing';

let db: TestStore;
let auditor: Awaited<ReturnType<TestStore['as']>>;
let ids: string[];
const reviewers = [
  { name: 'bo', decision: 'approve' as const, passkey: 'psk_1' },
  { name: 'cy', decision: 'reject' as const },
];

beforeAll(async () => {
  db = await withStore();
  auditor = await db.as('auditor');
  ids = await recordStatements(db, [
    { sql: 'SELECT 1', verdict: 'hold', status: 'rejected', reviewers },
    { sql: 'SELECT 2', reviewers: [{ name: 'mia', decision: 'breakGlass' }] },
    { sql: 'SELECT 3' },
  ]);
});
afterAll(() => db.close());

test.each([
  ['reviewer:bo', ['SELECT 1']],
  ['reviewer:m*', ['SELECT 2']],
  ['reviewer:*', ['SELECT 1', 'SELECT 2']],
  ['reviewer:b', []],
])('%s finds who decided', async (q, found) => {
  expect((await searchStatements(auditor, { q })).items.map((row) => row.sql).sort()).toEqual(found);
});

test('a statement names them, one that nobody decided on names nobody', async () => {
  const named = await Promise.all(ids.map((id) => getStatement(auditor, { id })));
  expect(named.map((statement) => statement.reviewers)).toEqual([reviewers, [{ name: 'mia', decision: 'breakGlass' }], []]);
});

test('an export names them, in both formats', async () => {
  const exported = async (format: 'csv' | 'jsonl') => {
    let text = '';
    for await (const chunk of (await exportStatements(auditor, { format, q: 'reviewer:cy' }, new Date(Date.now() + 1_000))).chunks)
      text += chunk.text;
    return text;
  };
  expect(JSON.parse(await exported('jsonl'))).toMatchObject({ reviewers });
  expect(await exported('csv')).toMatch(/,reviewers\r\n.*,"bo \(approve, passkey psk_1\), cy \(reject\)"\r\n$/);
});

test('who decided on a COMMIT decided on the statements of its transaction, and on no other', async () => {
  const [transactionId, sessionId] = ['txn_held', 'ses_commit'];
  await recordStatements(db, [
    { sql: 'UPDATE item SET price = 2', kind: 'UPDATE', sessionId, transactionId },
    { sql: 'COMMIT', kind: 'COMMIT', verdict: 'hold', sessionId, transactionId, reviewers: [{ name: 'dee', decision: 'approve' }] },
    { sql: 'UPDATE item SET price = 3', kind: 'UPDATE', sessionId, transactionId: 'txn_other' },
    { sql: 'UPDATE item SET price = 4', kind: 'UPDATE', sessionId: 'ses_other', transactionId },
  ]);
  const found = await searchStatements(auditor, { q: 'reviewer:dee' });
  expect(found.items.map((row) => row.sql).sort()).toEqual(['COMMIT', 'UPDATE item SET price = 2']);
});
