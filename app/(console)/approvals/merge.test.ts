import { describe, expect, it } from 'vitest';
import type { RequestRow } from '../../data/types';
import { matchesFilter, mergeQueue } from './merge';

const row = (id: string, status: RequestRow['status'] = 'pending'): RequestRow => ({
  id,
  status,
  principalName: 'support-bot',
  ownerName: 'ana',
  connectionName: 'shop',
  sql: 'DELETE FROM orders',
  kind: 'DELETE',
  rule: 'review-deletes',
  why: '',
  effects: [],
  relations: [],
  unbounded: true,
  transactionStatus: 'I',
  required: 1,
  approvals: 0,
  createdAt: new Date(0),
  expiresAt: new Date(1),
  decidedAt: null,
  requesterReason: null,
});
const ids = (rows: readonly RequestRow[]) => rows.map((one) => `${one.id} ${one.status}`);

describe('mergeQueue', () => {
  it('fills an empty list at once', () => {
    expect(ids(mergeQueue([], [row('b'), row('a')], []).rows)).toEqual(['b pending', 'a pending']);
  });

  it('keeps rows in place, shows their outcome, and holds new ones back', () => {
    const merged = mergeQueue([row('b'), row('a')], [row('c'), row('b')], [row('a', 'approved')]);
    expect(ids(merged.rows)).toEqual(['b pending', 'a approved']);
    expect(ids(merged.unseen)).toEqual(['c pending']);
  });
});

describe('matchesFilter', () => {
  it('wants every word', () => {
    expect(matchesFilter(row('req_1'), 'BOT orders')).toBe(true);
    expect(matchesFilter(row('req_1'), 'bot customers')).toBe(false);
    expect(matchesFilter(row('req_1'), '')).toBe(true);
  });
});
