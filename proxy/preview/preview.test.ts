import { describe, expect, test } from 'vitest';
import type { Measured, Tolerance } from '../../db/schema/shapes';
import { type CounterRow, rowsBetween, sumOf } from './counters';
import { readEstimate, readTriggers } from './estimate';
import { readSessionSettings, settingsToMake } from './heldState';
import { type RawSample, shapeSample } from './samples';
import { schemasOf } from './searchPath';
import { mostRows, toleranceWords } from './tolerance';

const counter = (name: string, inserted: number, updated: number, deleted: number): CounterRow => ({
  oid: String(20_000 + name.charCodeAt(0)),
  schema: 'public',
  name,
  inserted: String(inserted),
  updated: String(updated),
  deleted: String(deleted),
});

describe('rows by table', () => {
  test.each<[string, CounterRow[], CounterRow[], [string, number, number, number][]]>([
    ['nothing', [], [], []],
    ['all of it new', [], [counter('a', 1, 2, 3)], [['public.a', 1, 2, 3]]],
    [
      'what was there before is left out',
      [counter('a', 10, 0, 0)],
      [counter('a', 10, 0, 0), counter('b', 0, 1, 0)],
      [['public.b', 0, 1, 0]],
    ],
    ['only the growth', [counter('a', 10, 5, 0)], [counter('a', 12, 5, 1)], [['public.a', 2, 0, 1]]],
    ['a table truncated meanwhile never counts below nothing', [counter('a', 10, 0, 0)], [counter('a', 0, 0, 3)], [['public.a', 0, 0, 3]]],
    [
      'most first',
      [],
      [counter('a', 1, 0, 0), counter('b', 9, 0, 0)],
      [
        ['public.b', 9, 0, 0],
        ['public.a', 1, 0, 0],
      ],
    ],
  ])('%s', (_, before, after, expected) => {
    const tables = rowsBetween(before, after);
    expect(tables.map(({ table, inserted, updated, deleted }) => [table, inserted, updated, deleted])).toEqual(expected);
    expect(sumOf(tables)).toBe(expected.reduce((sum, [, i, u, d]) => sum + i + u + d, 0));
  });
});

const measuredRows = (rows: number): Measured => ({
  ...{ at: '', by: '', kind: 'measured', durationMs: 1, rows },
  ...{ tables: [], triggers: [], samples: [], notes: [] },
});

test.each<[Measured | null, Tolerance | null, number | null]>([
  [null, { rows: 5 }, null],
  [{ at: '', by: '', kind: 'refused', why: [] }, { rows: 5 }, null],
  [measuredRows(0), null, 0],
  [measuredRows(7), null, 7],
  [measuredRows(7), { rows: 3 }, 10],
  [measuredRows(99), { percent: 10 }, 108],
  [measuredRows(5), { percent: 10 }, 5],
  [measuredRows(5), { percent: 0 }, 5],
])('%j within %j is %j', (measured, tolerance, most) => {
  expect(mostRows(measured, tolerance)).toBe(most);
});

test('a tolerance as a policy says it', () => {
  expect([toleranceWords({ rows: 3 }), toleranceWords({ percent: 2.5 })]).toEqual([3, '2.5%']);
});

test.each([
  ['"$user", public', ['app', 'public']],
  ['', []],
  ['A, "B""c"', ['a', 'B"c']],
  ["'quoted'", null],
  ['a b', null],
])('search_path %s', (path, schemas) => {
  expect(schemasOf(path, 'app')).toEqual(schemas);
});

test('settings: none of ours, and no answer that is none', () => {
  const state = readSessionSettings('{"role":"app","settings":{"TimeZone":"UTC","statement_timeout":"0","search_path":"a"}}');
  expect(settingsToMake({ backendPid: 1, role: null, settings: state?.settings ?? null, asked: true })).toEqual([
    ['TimeZone', 'UTC'],
    ['search_path', 'a'],
  ]);
  expect([readSessionSettings(null), readSessionSettings('x'), readSessionSettings('{}'), readSessionSettings('[]')]).toEqual([
    null,
    null,
    null,
    null,
  ]);
  expect(readSessionSettings('{"role":"app","settings":null}')?.settings).toEqual({});
});

test('estimates: rows below what changes them, every CTE that writes counted', () => {
  const scan = (rows: number) => ({ 'Node Type': 'Seq Scan', 'Parent Relationship': 'Outer', 'Plan Rows': rows, 'Total Cost': 5 });
  const change = (rows: number, more: object = {}) => ({
    'Node Type': 'ModifyTable',
    'Plan Rows': 0,
    'Total Cost': 7,
    Plans: [scan(rows)],
    ...more,
  });
  expect(readEstimate([{ Plan: scan(3) }])).toEqual({ rows: 3, cost: 5 });
  expect(readEstimate([{ Plan: change(4) }])).toEqual({ rows: 4, cost: 7 });
  expect(readEstimate([{ Plan: { ...scan(1), Plans: [change(4), change(6)] } }])).toEqual({ rows: 10, cost: 5 });
  for (const none of [null, [], [{}], [{ Plan: 1 }], 'x']) expect(readEstimate(none)).toBeNull();
  expect(
    readTriggers([
      {
        Triggers: [
          { 'Trigger Name': 'RI_1', 'Constraint Name': 'fk', Relation: 't', Calls: 2 },
          { Calls: 0, 'Trigger Name': 'x' },
        ],
      },
    ]),
  ).toEqual([{ name: 'fk', table: 't', calls: 2 }]);
});

describe('samples', () => {
  const columns = [
    { number: 1, name: 'id', typeOid: 23 },
    { number: 2, name: 'ssn', typeOid: 25 },
  ];
  const star = (_: Buffer, __: number, ___: number, out: { text(value: string): void }) => {
    out.text('*');
    return true;
  };
  const hide = { mask: star, masked: true };
  const maskOf = (_: number, { name }: { name: string }) => (name === 'ssn' ? hide : { mask: null, masked: false });
  const raw = (of: Partial<RawSample>): RawSample => ({ oid: 1, table: 't', columns, key: [0], before: [], after: [], ...of });

  test('paired by key, masked before they are compared: a hidden value does not tell that it changed', () => {
    const { rows } = shapeSample(
      raw({
        before: [
          ['1', 'a'],
          ['2', 'b'],
        ],
        after: [
          ['1', 'z'],
          ['3', null],
        ],
      }),
      maskOf,
      10,
    );
    expect(rows).toEqual([
      { change: 'updated', before: ['1', '*'], after: ['1', '*'], changed: [] },
      { change: 'deleted', before: ['2', '*'], after: null, changed: [] },
      { change: 'inserted', before: null, after: ['3', null], changed: [] },
    ]);
  });

  test('without a key nothing is paired; never more than asked for; long cells are cut', () => {
    const { rows } = shapeSample(raw({ key: [], before: [['1', 'a']], after: [['x'.repeat(500), null]] }), maskOf, 10);
    expect(rows.map(({ change }) => change)).toEqual(['deleted', 'inserted']);
    expect(rows[1]?.after?.[0]).toHaveLength(201);
    expect(shapeSample(raw({ after: Array.from({ length: 9 }, (_, i) => [String(i), null]) }), maskOf, 3).rows).toHaveLength(3);
  });
});
