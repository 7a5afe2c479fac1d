import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestStore, withStore } from '../testing';
import { recordStatements } from './testing';

let db: TestStore;
beforeAll(async () => {
  db = await withStore();
  await recordStatements(db, [
    { sql: "SELECT 'canary-4711'", rows: 3, maskedColumns: ['public.t.ssn'], breakGlass: 'canary-4711', why: 'canary-4711' },
    { kind: 'DROP TABLE', sql: 'DROP TABLE t', verdict: 'deny', rule: 'no-drop', status: 'denied', sqlstate: '42501' },
  ]);
});
afterAll(() => db.close());

const VIEWS = {
  audit_statements: [
    'statement_id',
    'at',
    'principal',
    'owner',
    'connection',
    'kind',
    'shape',
    'tables',
    'columns',
    'verdict',
    'rule',
    'status',
    'rows',
    'masked_columns',
    'duration_ms',
    'log_index',
    'reviewers',
  ],
  audit_statement_hours: [
    'hour',
    'principal',
    'connection',
    'kind',
    'tables',
    'verdict',
    'rule',
    'status',
    'sqlstate',
    'masked',
    'statements',
    'rows',
    'bytes',
  ],
  audit_sessions: [
    'session_id',
    'principal',
    'connection',
    'client_address',
    'started_at',
    'ended_at',
    'method',
    'statements',
    'bytes_out',
  ],
  audit_approvals: [
    'request_id',
    'statement_id',
    'principal',
    'rule',
    'status',
    'required',
    'approvals',
    'rejections',
    'created_at',
    'decided_at',
  ],
  audit_transactions: ['transaction_id', 'at', 'session_id', 'outcome', 'statements'],
  audit_sign_in_failures: ['at', 'principal', 'connection', 'client_address', 'sqlstate', 'reason'],
  audit_actions: ['action_id', 'at', 'actor', 'via', 'action', 'subject', 'log_index'],
  audit_gaps: ['at', 'node', 'log_index', 'kind', 'why'],
  audit_lag: ['node', 'entries_copied', 'entries_behind', 'at'],
};

test.each(Object.entries(VIEWS))('reporting.%s has its columns and says what it is', async (view, columns) => {
  await db.store.execute(`select ${columns.join(', ')} from reporting.${view}`);
  const { rows } = await db.store.execute<{ said: string | null }>(`select obj_description('reporting.${view}'::regclass) as said`);
  expect(rows[0]?.said).toBeTruthy();
});

test('every view of the schema is named here', async () => {
  const { rows } = await db.store.execute<{ name: string }>(
    "select table_name as name from information_schema.views where table_schema = 'reporting'",
  );
  expect(rows.map((row) => row.name).sort()).toEqual(Object.keys(VIEWS).sort());
});

test('statements and hours say the same, and neither holds what was sent', async () => {
  const { rows } = await db.store.execute(
    'select kind, verdict, rule, status, sqlstate, rows::int, masked_columns from reporting.audit_statements order by kind',
  );
  expect(rows).toEqual([
    { kind: 'DROP TABLE', verdict: 'deny', rule: 'no-drop', status: 'denied', sqlstate: '42501', rows: null, masked_columns: null },
    { kind: 'SELECT', verdict: 'allow', rule: null, status: 'done', sqlstate: null, rows: 3, masked_columns: ['public.t.ssn'] },
  ]);
  const hours = await db.store.execute(
    'select kind, rule, masked, statements::int, rows::int from reporting.audit_statement_hours order by kind',
  );
  expect(hours.rows).toEqual([
    { kind: 'DROP TABLE', rule: 'no-drop', masked: false, statements: 1, rows: 0 },
    { kind: 'SELECT', rule: null, masked: true, statements: 1, rows: 3 },
  ]);
  for (const view of Object.keys(VIEWS)) {
    const found = await db.store.execute(`select 1 from reporting.${view} v where v::text like '%canary-4711%'`);
    expect([view, found.rows.length]).toEqual([view, 0]);
  }
});
