import { expect, test } from 'vitest';
import { exceededLimit } from './affected';
import type { AffectedLimit } from './types';

const approval = { groups: ['dba'], count: 2, expiresInMs: 1 };
const limit = (max: number, change: Partial<AffectedLimit> = {}): AffectedLimit => ({
  max,
  action: 'hold',
  rule: `above ${max}`,
  message: null,
  ...change,
});

test('the strictest limit that was exceeded speaks, and a passkey that any of those asks for is asked for', () => {
  const limits = [limit(10, { approval }), limit(100, { approval: { ...approval, passkey: 'required' } })];
  expect(exceededLimit(limits, 10)).toBeNull();
  expect(exceededLimit(limits, 50)).toMatchObject({ max: 10, approval });
  expect(exceededLimit(limits, 101)).toMatchObject({ max: 10, approval: { ...approval, passkey: 'required' } });
  expect(exceededLimit([limit(1), ...limits], 101)?.approval).toMatchObject({ groups: [], count: 1, passkey: 'required' });
  const denial = limit(5, { action: 'deny' });
  expect(exceededLimit([denial, ...limits], 101)).toEqual(denial);
});
