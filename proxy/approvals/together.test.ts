import { expect, test } from 'vitest';
import type { ApprovalSpec, RuleTrial } from '../../db/schema/shapes';
import { holdingRules, strictestOf, triedTogether } from './together';

const spec = (change: Partial<ApprovalSpec>): ApprovalSpec => ({ groups: [], count: 1, expiresInMs: 60_000, ...change });

test.each<[what: string, specs: ApprovalSpec[], expected: ApprovalSpec | null]>([
  ['nothing', [], null],
  ['one as it is', [spec({ tolerance: { percent: 10 }, dryRun: true })], spec({ tolerance: { percent: 10 }, dryRun: true })],
  ['the most people, the shortest time', [spec({ count: 2 }), spec({ expiresInMs: 5 })], spec({ count: 2, expiresInMs: 5 })],
  ['any reviewer and a group', [spec({}), spec({ groups: ['dba'] })], spec({ groups: ['dba'] })],
  ['a group that both name', [spec({ groups: ['dba', 'ops'] }), spec({ groups: ['ops', 'sec'] })], spec({ groups: ['ops'] })],
  [
    'no group that both name',
    [spec({ groups: ['dba'] }), spec({ groups: ['sec'] })],
    spec({ groups: ['(no group is named by every rule)'] }),
  ],
  ['a glass that only one has', [spec({ breakGlass: ['oncall'] }), spec({})], spec({})],
  ['measured where any says so', [spec({}), spec({ dryRun: true })], spec({ dryRun: true })],
  ['a passkey where any says so', [spec({}), spec({ passkey: 'required' })], spec({ passkey: 'required' })],
])('%s', (_, specs, expected) => {
  expect(strictestOf(specs)).toEqual(expected);
});

const trial = (rule: string, change: Partial<RuleTrial> = {}): RuleTrial => ({
  rule,
  mode: 'enforce',
  action: 'hold',
  matched: true,
  why: rule,
  ...change,
});

test('a rule that holds any statement of a text holds the text', () => {
  const tried = triedTogether([
    [trial('deletes'), trial('updates', { matched: false }), trial('seen', { mode: 'observe' })],
    [trial('deletes', { matched: false }), trial('updates'), trial('drops', { action: 'deny', matched: false })],
  ]);
  expect(tried.map(({ rule, matched }) => `${rule} ${matched}`)).toEqual(['deletes true', 'updates true', 'seen true', 'drops false']);
  expect(holdingRules(tried)).toEqual(['deletes', 'updates']);
});
