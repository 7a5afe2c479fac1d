import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { sessions } from '../../db/schema/audit';
import { recordStatements } from '../audit/testing';
import { type TestStore, withStore } from '../testing';
import { getSession } from './get';
import { readSessions } from './read';
import type { SessionWindow } from './shape';
import { sessionStatements } from './statements';
import { sessionTimeline } from './timeline';

const STATEMENTS = 730;
const startMs = Date.parse('2026-11-23T23:58:00Z');
const atOf = (index: number) => new Date(startMs + Math.floor(index / 7) * 2_000);

let db: TestStore;
let auditor: Awaited<ReturnType<TestStore['as']>>;
/** In the order they ran. */
let ids: string[];

beforeAll(async () => {
  db = await withStore();
  auditor = await db.as('auditor');
  const session = (id: string, ownerName: string | null, endedAt: Date | null) => ({
    ...{ id, gatewayId: 'gw', workerId: 'w', principalId: 'prn', principalName: 'bot', ownerName, connectionName: 'shop' },
    ...{ clientAddress: '127.0.0.1:1', startedAt: new Date(startMs), endedAt },
  });
  await db.store
    .insert(sessions)
    .values([session('ses_long', 'ana', atOf(STATEMENTS)), session('ses_other', null, null), session('ses_none', null, null)]);
  const own = Array.from({ length: STATEMENTS }, (_, index) => ({
    // Seven share each instant, over midnight and so over two partitions: the id decides their order.
    ...{ id: newId('stm', atOf(index).getTime()), at: atOf(index), sessionId: 'ses_long', ownerName: 'ana', sql: `SELECT ${index}` },
    verdict: index % 100 === 50 ? ('deny' as const) : index % 100 === 60 ? ('hold' as const) : ('allow' as const),
    status: index % 100 === 50 ? ('denied' as const) : index % 100 === 70 ? ('failed' as const) : ('done' as const),
  }));
  const beside = Array.from({ length: 50 }, (_, index) => ({ at: atOf(index * 10), sessionId: 'ses_other', sql: 'SELECT 0' }));
  await recordStatements(db, [...own, ...beside]);
  ids = [...own].sort((a, b) => a.at.getTime() - b.at.getTime() || (a.id < b.id ? -1 : 1)).map(({ id }) => id);
});
afterAll(() => db.close());

const read = (input: object): Promise<SessionWindow> => sessionStatements(auditor, { id: 'ses_long', ...input });
const idsOf = ({ items }: SessionWindow) => items.map(({ id }) => id);

test('an open session is counted as far as asked for, and one that is over says itself how many it ran', async () => {
  await db.store.update(sessions).set({ statementsRun: 12_345 }).where(eq(sessions.id, 'ses_none'));
  const counted = async (mostCounted: number) =>
    Object.fromEntries(
      (await readSessions(auditor, undefined, 10, mostCounted)).map(({ id, statements, hasMoreStatements }) => [
        id,
        [statements, hasMoreStatements],
      ]),
    );
  expect(await counted(49)).toEqual({ ses_long: [49, true], ses_other: [49, true], ses_none: [12_345, false] });
  expect(await counted(50)).toEqual({ ses_long: [50, true], ses_other: [50, false], ses_none: [12_345, false] });
  expect(await counted(STATEMENTS)).toEqual({ ses_long: [STATEMENTS, false], ses_other: [50, false], ses_none: [12_345, false] });
  await db.store.update(sessions).set({ statementsRun: null }).where(eq(sessions.id, 'ses_none'));
});

describe('the windows of a session', () => {
  test.each([1, 7, 50, 199, 200])('of %i meet without a gap or a repeat, forwards and back', async (limit) => {
    const forwards: string[] = [];
    const backwards: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const window = await read({ limit, cursor });
      expect(window.first).toBe(forwards.length);
      forwards.push(...idsOf(window));
      cursor = window.after;
      if (limit === 1 && forwards.length === 40) break;
    }
    const whole = ids.slice(0, forwards.length);
    expect(forwards).toEqual(whole);
    let { before: cursor } = await read({ limit, start: { statement: forwards.at(-1) } });
    while (cursor !== null) {
      const window = await read({ limit, cursor });
      backwards.unshift(...idsOf(window));
      expect(window.first).toBe(whole.length - 1 - backwards.length);
      cursor = window.before;
    }
    expect(backwards).toEqual(whole.slice(0, -1));
  });

  test('one begins at a given statement, and its neighbours lie on either side', async () => {
    const window = await read({ start: { statement: ids[411] }, limit: 10 });
    expect(idsOf(window)).toEqual(ids.slice(411, 421));
    expect(window).toMatchObject({
      first: 411,
      items: [{ sql: expect.stringMatching(/^SELECT \d+$/) }, {}, {}, {}, {}, {}, {}, {}, {}, {}],
    });
    expect(idsOf(await read({ cursor: window.before, limit: 10 }))).toEqual(ids.slice(401, 411));
    expect(idsOf(await read({ cursor: window.after, limit: 10 }))).toEqual(ids.slice(421, 431));
  });

  test('one begins at a given time, with all of that instant', async () => {
    expect(idsOf(await read({ start: { time: atOf(350) }, limit: 3 }))).toEqual(ids.slice(350, 353));
    expect(idsOf(await read({ start: { time: new Date(atOf(350).getTime() + 1) }, limit: 3 }))).toEqual(ids.slice(357, 360));
  });

  test('at the ends there is nothing further, and the way back is open', async () => {
    expect(await read({ limit: 5 })).toMatchObject({ first: 0, before: null });
    const end = await read({ start: { statement: ids.at(-3) }, limit: 3 });
    expect(end).toMatchObject({ first: STATEMENTS - 3, after: null });
    const beyond = await read({ start: { time: new Date(startMs + 3_600_000) }, limit: 5 });
    expect(beyond).toMatchObject({ items: [], first: STATEMENTS, after: null });
    expect(idsOf(await read({ cursor: beyond.before, limit: 5 }))).toEqual(ids.slice(-5));
    const ahead = await read({ cursor: `before~0~${new Date(startMs).toISOString()}~`, limit: 5 });
    expect(ahead).toMatchObject({ items: [], first: 0, before: null });
    expect(idsOf(await read({ cursor: ahead.after, limit: 5 }))).toEqual(ids.slice(0, 5));
  });

  test('a window at the end grows with the session', async () => {
    const window = await sessionStatements(auditor, { id: 'ses_none' });
    expect(window).toEqual({ items: [], first: 0, before: null, after: null });
    await recordStatements(db, [{ sessionId: 'ses_none', at: atOf(1) }]);
    expect((await sessionStatements(auditor, { id: 'ses_none' })).items).toHaveLength(1);
  });

  test('a statement of another session, and a cursor that is none, are refused', async () => {
    const other = await sessionStatements(auditor, { id: 'ses_other', limit: 1 });
    await expect(read({ start: { statement: other.items[0]?.id } })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(read({ cursor: 'after~0~now~' })).rejects.toMatchObject({ code: 'INVALID' });
    await expect(read({ limit: 201 })).rejects.toMatchObject({ code: 'INVALID' });
  });

  test('a member reads what is theirs or their agents’, and nothing of others', async () => {
    const ana = await db.as('member', { name: 'ana' });
    expect((await sessionStatements(ana, { id: 'ses_long', limit: 2 })).items).toHaveLength(2);
    expect((await sessionTimeline(ana, { id: 'ses_long' })).bins).not.toBeNull();
    for (const verb of [sessionStatements, sessionTimeline])
      await expect(verb(ana, { id: 'ses_other' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the timeline', () => {
  test('of a long session counts every statement once, denials, holds and errors apart', async () => {
    const { bins, statements } = await sessionTimeline(auditor, { id: 'ses_long' });
    expect(statements).toBeNull();
    const sum = (key: 'allow' | 'hold' | 'deny' | 'failed') => (bins ?? []).reduce((total, bin) => total + bin[key], 0);
    expect({ allow: sum('allow'), hold: sum('hold'), deny: sum('deny'), failed: sum('failed') }).toEqual({
      ...{ allow: STATEMENTS - 21, hold: 7, deny: 7, failed: 7 },
    });
    expect(bins?.length).toBeLessThanOrEqual(601);
    expect((await getSession(auditor, { id: 'ses_long' })).statements).toBe(STATEMENTS);
  });

  test('a bin leads to its first statement', async () => {
    const { bins } = await sessionTimeline(auditor, { id: 'ses_long' });
    const denied = bins?.find((bin) => bin.deny > 0);
    const { items } = await read({ start: { time: denied?.from } });
    const count = (denied?.allow ?? 0) + (denied?.hold ?? 0) + (denied?.deny ?? 0) + (denied?.failed ?? 0);
    expect(items[0]?.at).toEqual(denied?.from);
    expect(items.slice(0, count).some(({ verdict }) => verdict === 'deny')).toBe(true);
  });

  test('of a short session has its statements', async () => {
    const { bins, statements } = await sessionTimeline(auditor, { id: 'ses_other' });
    expect(bins).toBeNull();
    expect(statements).toHaveLength(50);
  });
});
