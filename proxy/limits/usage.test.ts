import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { principals } from '../../db/schema/identity';
import type { PrincipalLimits } from '../../db/schema/shapes';
import { principalUsage } from '../../db/schema/usage';
import { type OpenStore, openStore } from '../../db/store';
import { WireError } from '../wire/errors';
import { createUsageKeeper, type UsageKeeper } from './usage';

let opened: OpenStore;
let drop: () => Promise<void>;
let workers: UsageKeeper[];
let id: string;
// One with which no two of these values fall together, so that counts are exact; how far others are off says sketch.test.ts.
const key = Buffer.alloc(32, 'another key of this test');
const worker = (store = opened.store) => createUsageKeeper({ store, key, onError: () => undefined });

beforeAll(async () => {
  const database = await withPostgres();
  await migrateStore(database.url);
  opened = openStore(database.url, { max: 8, applicationName: 'gatehouse test' });
  drop = () => database.drop();
});
afterAll(async () => {
  await opened.close();
  await drop();
});
beforeEach(async () => {
  id = newId('prn');
  await opened.store.insert(principals).values({ id, name: id.replace('_', '-'), kind: 'agent' });
  workers = [worker(), worker(), worker()];
});

const usageOf = (of: UsageKeeper, limits: PrincipalLimits) => {
  const usage = of.of({ id, limits });
  if (usage === null) throw new Error('it has budgets');
  return usage;
};
const codes = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
  outcomes.map((one) => (one.status === 'fulfilled' ? 'runs' : (one.reason as WireError).fields.sqlstate));

test('a principal without budgets has nothing to wait for', () => {
  expect(worker().of({ id, limits: { maxSessions: 3 } })).toBeNull();
  expect(worker().of({ id })).toBeNull();
});

test('three workers at once run exactly what the budget has', async () => {
  const limits = { perHour: { statements: 25 } };
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, (_, i) => usageOf(workers[i % 3] ?? worker(), limits).admit(1, performance.now())),
  );
  expect(codes(outcomes).filter((one) => one === 'runs')).toHaveLength(25);
  expect(new Set(codes(outcomes))).toEqual(new Set(['runs', '53400']));
  await Promise.all(workers.map((one) => one.close()));
  expect(await opened.store.select({ statements: principalUsage.statements }).from(principalUsage)).toContainEqual({ statements: 25 });
});

test('far from its end nothing waits for a second, and what was counted is stored when the worker ends', async () => {
  const limits = { perDay: { statements: 10_000 } };
  const [first] = workers;
  if (first === undefined) throw new Error('no worker');
  const usage = usageOf(first, limits);
  await usage.admit(1, performance.now());
  for (let i = 0; i < 40; i++) expect(usage.admit(1, performance.now())).toBeUndefined();
  usage.returned(7);
  await first.close();
  const other = usageOf(worker(), { perDay: { statements: 41, rows: 100 } });
  await expect(other.admit(1, performance.now())).rejects.toMatchObject({ fields: { sqlstate: '53400' } });
  expect(other.rowsLeft).toBe(93);
});

test('a text of several statements runs whole or not at all', async () => {
  const usage = usageOf(worker(), { perHour: { statements: 5 } });
  await usage.admit(3, performance.now());
  await expect(usage.admit(3, performance.now())).rejects.toBeInstanceOf(WireError);
  await usage.admit(2, performance.now());
  await expect(usage.admit(1, performance.now())).rejects.toMatchObject({
    fields: {
      message: 'budget of statements per hour is used up',
      detail: expect.stringMatching(/^5 of 5 statements were used in this hour; .*:00:00\.000Z\.$/),
    },
  });
});

test('rows that are used up refuse the next statement', async () => {
  const usage = usageOf(worker(), { perHour: { rows: 10 }, perDay: { rows: 1_000 } });
  await usage.admit(1, performance.now());
  expect(usage.rowsLeft).toBe(10);
  usage.returned(10);
  expect(usage.rowsLeft).toBe(0);
  await expect(usage.admit(1, performance.now())).rejects.toMatchObject({ fields: { message: 'budget of rows per hour is used up' } });
});

test('distinct masked values are those of all workers, and the same ones count once', async () => {
  const limits = { perHour: { maskedValues: 50 } };
  const mask = () => true;
  const row = (value: string) => {
    const cell = Buffer.from(value);
    const bytes = Buffer.alloc(11 + cell.length);
    bytes.writeUInt16BE(1, 5);
    bytes.writeInt32BE(cell.length, 7);
    cell.copy(bytes, 11);
    return bytes;
  };
  const [a, b] = [usageOf(worker(), limits), usageOf(worker(), limits)];
  for (let i = 0; i < 40; i++) expect(a.mayShow(row(`value ${i}`), [mask])).toBe(true);
  await a.settle();
  await b.admit(1, performance.now());
  for (let i = 0; i < 40; i++) expect(b.mayShow(row(`value ${i}`), [mask])).toBe(true);
  const shown = Array.from({ length: 30 }, (_, i) => b.mayShow(row(`other ${i}`), [mask])).filter(Boolean).length;
  expect(shown).toBe(10);
  // What shows none goes on.
  await b.admit(1, performance.now());
});

test('when the store is away nothing runs that it does not know of', async () => {
  const away = openStore('postgres://nobody:x@127.0.0.1:1/none', { max: 1, applicationName: 'gatehouse test' });
  const usage = usageOf(worker(away.store), { perHour: { statements: 5 } });
  await expect(usage.admit(1, performance.now())).rejects.toMatchObject({ fields: { sqlstate: '58000' } });
  await away.close();
});
