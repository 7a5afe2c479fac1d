import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordStatements, type TestStatement } from '../audit/testing';
import { type TestStore, withStore } from '../testing';
import { dailyReport } from './daily';

let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let auditor: Caller;
let ana: Caller;

/** A statement of 2026-11-25 or another day; times are UTC. */
const row = (at: string, { rows, ...fields }: Omit<TestStatement, 'rows'> & { rows?: number | null } = { rows: 10 }): TestStatement => ({
  at: new Date(at),
  ownerName: 'ana',
  relations: [{ name: 'public.orders', access: 'read' }],
  durationMs: 1,
  // Null: it never ran, so there are no rows to count.
  ...(rows === null ? {} : { rows: rows ?? 10 }),
  ...fields,
});

beforeAll(async () => {
  db = await withStore();
  auditor = await db.as('auditor');
  ana = await db.as('member', { name: 'ana' });
  const past = Array.from({ length: 10 }, (_, day) => row(`2026-11-${String(day + 11).padStart(2, '0')}T09:30:00Z`));
  await recordStatements(db, [
    ...past,
    row('2026-11-24T22:59:59Z'),
    row('2026-11-24T23:00:00Z', { rows: 3 }),
    row('2026-11-25T09:00:00Z', { maskedColumns: ['public.customers.ssn', 'public.customers.email'], rows: 40 }),
    row('2026-11-25T10:00:00Z', { verdict: 'hold', status: 'done', waitMs: 1_000, rows: 0 }),
    row('2026-11-25T10:01:00Z', { verdict: 'hold', status: 'done', waitMs: 3_000, rows: 0 }),
    row('2026-11-25T10:02:00Z', { verdict: 'hold', status: 'rejected', waitMs: 9_000, rows: null }),
    row('2026-11-25T10:03:00Z', { verdict: 'hold', status: 'expired', waitMs: 60_000, rows: null }),
    row('2026-11-25T11:00:00Z', { verdict: 'deny', status: 'denied', rows: null }),
    row('2026-11-25T11:00:01Z', { status: 'failed', sqlstate: '22012', rows: null }),
    row('2026-11-25T12:00:00Z', { rows: 900, relations: [{ name: 'public.salaries', access: 'read' }], connectionName: 'hr' }),
    row('2026-11-25T12:00:00Z', { principalName: 'mia', ownerName: null }),
    row('2026-11-25T23:00:00Z', { rows: 7 }),
  ]);
});
afterAll(() => db.close());

describe('the daily report', () => {
  test('a day is the day of its time zone', async () => {
    const utc = await dailyReport(auditor, { day: '2026-11-25' });
    const berlin = await dailyReport(auditor, { day: '2026-11-25', timeZone: 'Europe/Berlin' });
    expect([utc.from.toISOString(), utc.to.toISOString()]).toEqual(['2026-11-25T00:00:00.000Z', '2026-11-26T00:00:00.000Z']);
    expect([berlin.from.toISOString(), berlin.to.toISOString()]).toEqual(['2026-11-24T23:00:00.000Z', '2026-11-25T23:00:00.000Z']);
    expect([utc.totals.statements, berlin.totals.statements]).toEqual([10, 10]);
    expect(berlin.hours[0]).toMatchObject({ hour: 0, allow: 1 });
    expect(berlin.soFar).toBe(false);
  });

  test('by principal: statements, rows, masked values, holds, denials, errors, connections, tables', async () => {
    const { principals, totals, hours } = await dailyReport(auditor, { day: '2026-11-25' });
    expect(principals.map((one) => one.principalName)).toEqual(['bot', 'mia']);
    expect(principals[0]).toMatchObject({
      ownerName: 'ana',
      statements: 9,
      rows: 947,
      maskedValues: 80,
      maskedColumns: ['public.customers.email', 'public.customers.ssn'],
      holds: { total: 4, approved: 2, rejected: 1, other: 1, medianWaitMs: 6_000 },
      denied: 1,
      errors: 1,
      connections: ['hr', 'shop'],
      tables: ['public.orders', 'public.salaries'],
    });
    expect(principals[0]?.byHour.slice(9, 13)).toEqual([1, 4, 2, 1]);
    expect(hours[10]).toMatchObject({ hour: 10, allow: 0, hold: 4, deny: 0 });
    expect(totals).toMatchObject({ statements: 10, rows: 957, denied: 1 });
  });

  test('what is unusual comes with words and a search that finds it', async () => {
    const { unusual } = await dailyReport(auditor, { day: '2026-11-25' });
    expect(unusual.map(({ principalName, kind }) => `${principalName} ${kind}`)).toEqual([
      'bot manyRows',
      'bot offHours',
      'bot firstTable',
      'mia firstTable',
    ]);
    expect(unusual[2]).toMatchObject({
      text: 'used public.salaries for the first time in 30 days',
      look: { q: 'who:bot table:public.salaries' },
    });
    expect(unusual[3]?.text).toBe('first day here, with public.orders');
  });

  test('the day the clocks go back has 25 hours', async () => {
    const { hours } = await dailyReport(auditor, { day: '2026-10-25', timeZone: 'Europe/Berlin' });
    expect(hours.map(({ hour }) => hour).slice(0, 5)).toEqual([0, 1, 2, 2, 3]);
    expect(hours).toHaveLength(25);
  });

  test('a member reads of themselves and their agents', async () => {
    const { principals } = await dailyReport(ana, { day: '2026-11-25' });
    expect(principals.map((one) => one.principalName)).toEqual(['bot']);
  });

  test.each([[{ day: '25.11.2026' }], [{ day: '2026-02-30' }], [{ timeZone: 'Mars/Olympus' }]])('%j is refused', async (input) => {
    await expect(dailyReport(auditor, input)).rejects.toMatchObject({ code: 'INVALID' });
  });
});
