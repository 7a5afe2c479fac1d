import { describe, expect, test } from 'vitest';
import type { PrincipalDay, ReportHour } from './shape';
import { type Habit, unusualOf, usualHours } from './unusual';

const midnight = Date.parse('2026-11-25T00:00:00Z');
const hours: ReportHour[] = Array.from({ length: 24 }, (_, hour) => ({
  at: new Date(midnight + hour * 3_600_000),
  hour,
  allow: 0,
  hold: 0,
  deny: 0,
}));
const to = new Date(midnight + 86_400_000);

function day(fields: { rows?: number; tables?: string[]; at?: Record<number, number>; name?: string }): PrincipalDay {
  return {
    principalName: fields.name ?? 'bot',
    ownerName: null,
    statements: 1,
    rows: fields.rows ?? 0,
    maskedValues: 0,
    maskedColumns: [],
    holds: { total: 0, approved: 0, rejected: 0, other: 0, medianWaitMs: null },
    denied: 0,
    errors: 0,
    connections: ['shop'],
    tables: fields.tables ?? [],
    byHour: Array.from({ length: 24 }, (_, hour) => fields.at?.[hour] ?? 0),
    rowsByHour: Array.from({ length: 24 }, () => 0),
  };
}

const office = [9, 10, 11, 12, 13, 14, 15, 16];
function habit(fields: { days?: number; rows?: number[]; hours?: number[]; tables?: string[]; name?: string }): Habit {
  const rows = fields.rows ?? Array.from({ length: fields.days ?? 20 }, () => 50);
  return {
    principalName: fields.name ?? 'bot',
    days: rows.map((count) => ({ rows: count, hours: fields.hours ?? office })),
    tables: new Set(fields.tables ?? []),
  };
}

const found = (today: PrincipalDay, before: Habit[]) => unusualOf([today], before, hours, to);

describe('first-seen tables', () => {
  test.each([
    [['public.orders'], ['public.orders'], []],
    [['public.orders', 'public.salaries'], ['public.orders'], ['public.salaries']],
    [[], [], []],
  ])('names %j, knows %j: new are %j', (tables, known, fresh) => {
    const items = found(day({ tables, at: { 10: 1 } }), [habit({ tables: known })]);
    expect(items.flatMap((item) => (item.kind === 'firstTable' ? item.tables : []))).toEqual(fresh);
  });

  test('what another principal names does not count', () => {
    expect(found(day({ tables: ['public.orders'] }), [habit({ name: 'other', tables: ['public.orders'] })])).toMatchObject([
      { kind: 'firstTable', tables: ['public.orders'], firstDay: true },
    ]);
  });

  test('one new table is looked up by its name, several by who', () => {
    const [one] = found(day({ tables: ['public.my table'] }), [habit({})]);
    expect(one).toMatchObject({ firstDay: false, look: { q: 'who:bot table:"public.my table"', from: new Date(midnight), to } });
    expect(found(day({ tables: ['a.b', 'a.c'] }), [habit({})])[0]?.look.q).toBe('who:bot');
  });
});

describe('ten times the usual rows', () => {
  test.each([
    ['ten times', 500, [50, 50, 50, 50, 50], true],
    ['just below', 499, [50, 50, 50, 50, 50], false],
    ['one huge day does not raise the usual', 500, [50, 50, 50, 50, 1_000_000], true],
    ['the lower middle of an even number', 500, [50, 50, 50, 60, 60, 60], true],
    ['of few rows a multiple says nothing', 99, [1, 1, 1, 1, 1], false],
    ['from nothing to a hundred', 100, [0, 0, 0, 0, 0], true],
    ['too little is known', 1_000_000, [50, 50, 50, 50], false],
  ])('%s', (_, rows, before, expected) => {
    expect(found(day({ rows, at: { 10: 1 } }), [habit({ rows: before })]).some((item) => item.kind === 'manyRows')).toBe(expected);
  });
});

describe('off hours', () => {
  test.each<[string, Record<number, number>, number[]]>([
    ['within', { 9: 1, 16: 4 }, []],
    ['an hour before and after is no news', { 8: 1, 17: 1 }, []],
    ['at night', { 3: 7 }, [3]],
    ['both ends', { 2: 1, 10: 50, 23: 2 }, [2, 23]],
  ])('%s', (_, at, odd) => {
    const [item] = found(day({ at }), [habit({})]).filter((one) => one.kind === 'offHours');
    expect(item?.kind === 'offHours' ? item.hours : []).toEqual(odd);
  });

  test('the link covers exactly the odd hours, and the count is of them alone', () => {
    expect(found(day({ at: { 2: 1, 3: 4, 10: 50 } }), [habit({})])).toMatchObject([
      { kind: 'offHours', statements: 5, days: 20, look: { from: hours[2]?.at, to: hours[4]?.at } },
    ]);
  });

  test.each([
    ['nothing before five days', habit({ days: 4 }), null],
    ['around midnight', habit({ hours: [23, 0] }), [0, 1, 22, 23]],
    [
      'an hour that was worked in once in twenty days is not usual',
      { ...habit({}), days: [...habit({ days: 19 }).days, { rows: 1, hours: [3] }] },
      [8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
    ],
    ['round the clock', habit({ hours: Array.from({ length: 24 }, (_, hour) => hour) }), Array.from({ length: 24 }, (_, hour) => hour)],
  ])('%s', (_, before, expected) => {
    expect(usualHours(before)).toEqual(expected);
  });
});
