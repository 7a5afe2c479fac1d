import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { type TestStore, withStore } from '../testing';
import { getStatement } from './get';
import { statementHistogram } from './histogram';
import { searchStatements } from './search';
import { recordStatements } from './testing';

let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let auditor: Caller;
const start = Date.parse('2026-11-23T10:00:00Z');

beforeAll(async () => {
  db = await withStore();
  auditor = await db.as('auditor');
  const rows = Array.from({ length: 1_200 }, (_, index) => ({
    id: newId('stm', start + index * 1_000),
    sessionId: 'ses_1',
    principalName: index % 2 === 0 ? 'bot' : 'mia',
    ownerName: index % 4 === 0 ? 'ana' : null,
    connectionName: 'shop',
    // Two statements share each instant: the id decides their order.
    at: new Date(start + Math.floor(index / 2) * 1_000),
    kind: index % 10 === 0 ? 'DROP TABLE' : 'SELECT',
    sql: `SELECT ${index} /* 100% a_b */`,
    fingerprint: index === 7 ? '50fde20626009aba' : '0',
    relations: [{ name: index % 3 === 0 ? 'public.orders' : 'public.reorders', access: 'read' as const }],
    effects: ['read'],
    unbounded: index === 7,
    verdict: index % 10 === 0 ? ('deny' as const) : ('allow' as const),
    status: 'done' as const,
    rows: index,
    maskedColumns: index % 5 === 0 ? ['public.customers.ssn'] : [],
    durationMs: index / 10,
  }));
  await recordStatements(db, rows);
});
afterAll(() => db.close());

const count = async (q: string, caller = auditor) => (await searchStatements(caller, { q })).count;

describe('search', () => {
  test('pages through everything by keyset, newest first, without a gap or a repeat', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof searchStatements>> = await searchStatements(auditor, { limit: 200, cursor });
      seen.push(...page.items.map((row) => row.id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toHaveLength(1_200);
    expect(new Set(seen).size).toBe(1_200);
  });

  test('counting stops at a thousand and says so', async () => {
    expect(await count('')).toEqual({ value: 1_000, capped: true });
    expect(await count('kind:DROP')).toEqual({ value: 120, capped: false });
  });

  test.each([
    ['table:orders', 400],
    ['table:public.orders', 400],
    ['table:*orders', 1_000],
    ['masked:ssn', 240],
    ['verdict:denied who:bot', 120],
    ['who:b*', 600],
    ['rows:<10', 10],
    ['duration:>=100ms', 200],
    ['"100% a_b"', 1_000],
    ['"100_ a"', 0],
    ['"1199 "', 1],
  ])('%s finds %i', async (q, expected) => {
    expect((await count(q)).value).toBe(expected);
  });

  test('statements of one shape are found by fingerprint, and the detail says whether its rows were bounded', async () => {
    const { items } = await searchStatements(auditor, { q: 'fingerprint:50FDE20626009ABA' });
    expect(items.map((item) => item.sql)).toEqual(['SELECT 7 /* 100% a_b */']);
    expect(await getStatement(auditor, { id: items[0]?.id })).toMatchObject({ unbounded: true });
  });

  test('a word that is not understood is reported beside what the others find', async () => {
    const page = await searchStatements(auditor, { q: 'kind:DROP colour:red' });
    expect(page.count.value).toBe(120);
    expect(page.diagnostics).toHaveLength(1);
  });

  test('a member finds what is theirs and their agents’, in search, histogram and detail', async () => {
    const ana = await db.as('member', { name: 'ana' });
    expect((await count('', ana)).value).toBe(300);
    const [own] = (await searchStatements(ana, {})).items;
    expect(await getStatement(ana, { id: own?.id })).toMatchObject({ ownerName: 'ana' });
    const [foreign] = (await searchStatements(auditor, { q: 'who:mia' })).items;
    await expect(getStatement(ana, { id: foreign?.id })).rejects.toThrow('does not exist');
    const buckets = await statementHistogram(ana, { from: new Date(start), to: new Date(start + 3_600_000) });
    expect(buckets.reduce((sum, bucket) => sum + bucket.allow + bucket.deny, 0)).toBe(300);
  });
});

describe('histogram', () => {
  test('counts by verdict, with empty buckets, sixty at most', async () => {
    const buckets = await statementHistogram(auditor, { from: new Date(start), to: new Date(start + 3_600_000) });
    expect(buckets).toHaveLength(60);
    expect(buckets[0]).toEqual({ at: new Date(start), allow: 108, hold: 0, deny: 12 });
    expect(buckets.at(-1)).toMatchObject({ allow: 0, deny: 0 });
  });
});
