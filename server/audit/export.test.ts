import { desc, like } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actions } from '../../db/schema/audit';
import { type TestStore, withStore } from '../testing';
import { exportStatements } from './export';
import { auditFacets } from './facets';
import { searchStatements } from './search';
import { AUDIT_SORTS, type AuditSort } from './shape';
import { recordStatements } from './testing';

let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let auditor: Caller;
const start = Date.parse('2026-11-23T10:00:00Z');
const now = new Date('2026-11-24T10:00:00Z');
const COUNT = 450;

beforeAll(async () => {
  db = await withStore();
  auditor = await db.as('auditor');
  await recordStatements(
    db,
    Array.from({ length: COUNT }, (_, index) => ({
      at: new Date(start + index * 1_000),
      principalName: index % 3 === 0 ? 'mia' : 'bot',
      sql: index === 7 ? '=cmd|"x", \n-- 7' : `SELECT ${index}`,
      relations: [
        { name: 'public.orders', access: 'read' as const },
        { name: 'public.orders', access: 'write' as const },
      ],
      verdict: index % 10 === 0 ? ('deny' as const) : ('allow' as const),
      // Many share a value, some have none.
      ...(index % 5 === 0 ? {} : { rows: index % 7 }),
      ...(index % 4 === 0 ? {} : { durationMs: index % 11 }),
    })),
  );
});
afterAll(() => db.close());

async function exported(input: unknown, caller = auditor): Promise<string> {
  let text = '';
  for await (const chunk of (await exportStatements(caller, input, now)).chunks) text += chunk.text;
  return text;
}

describe('an export', () => {
  test('JSON Lines have every statement of the search once, in its order', async () => {
    const rows = (await exported({ format: 'jsonl' }))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; at: string; sql: string });
    expect(rows).toHaveLength(COUNT);
    expect(new Set(rows.map((row) => row.id)).size).toBe(COUNT);
    expect(rows[0]?.sql).toBe(`SELECT ${COUNT - 1}`);
  });

  test('CSV has a heading, and no cell that a spreadsheet would run', async () => {
    const text = await exported({ format: 'csv', q: '"-- 7"' });
    expect(text.startsWith('id,at,principalName,')).toBe(true);
    expect(text).toContain(`"'=cmd|""x"", \n-- 7"`);
    expect(text.endsWith('\r\n')).toBe(true);
  });

  test('is an action before it begins, and another with its count when it ends', async () => {
    await exported({ format: 'csv', q: 'who:mia', to: '2026-11-23T10:01:00Z' });
    const [end, begin] = await db.store
      .select()
      .from(actions)
      .where(like(actions.action, 'audit.export%'))
      .orderBy(desc(actions.id))
      .limit(2);
    expect(begin).toMatchObject({ action: 'audit.export', actorName: auditor.actor.name, subject: 'csv', after: { q: 'who:mia' } });
    expect(end).toMatchObject({ action: 'audit.exported', after: { rows: 20, complete: true } });
  });

  test('that is broken off says how far it came', async () => {
    for await (const { rows } of (await exportStatements(auditor, { format: 'jsonl' }, now)).chunks) if (rows > 0) break;
    const [end] = await db.store.select().from(actions).orderBy(desc(actions.id)).limit(1);
    expect(end).toMatchObject({ action: 'audit.exported', after: { rows: 200, complete: false } });
  });

  test('of a query that is not understood is refused, and so is a format nobody knows', async () => {
    await expect(exportStatements(auditor, { format: 'csv', q: 'whom:bot' }, now)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(exportStatements(auditor, { format: 'xlsx' }, now)).rejects.toMatchObject({ code: 'INVALID' });
  });

  test('gives a member what is theirs', async () => {
    const mia = await db.as('member', { name: 'mia' });
    expect((await exported({ format: 'jsonl' }, mia)).trim().split('\n')).toHaveLength(COUNT / 3);
  });
});

describe('orders', () => {
  test.each<[AuditSort]>(AUDIT_SORTS.map((sort) => [sort]))('%s: pages give every statement once, in order', async (sort) => {
    const seen: { id: string; key: number }[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof searchStatements>> = await searchStatements(auditor, { sort, limit: 100, cursor });
      for (const row of page.items)
        seen.push({
          id: row.id,
          key: sort === 'slowest' ? (row.durationMs ?? -1) : sort === 'largest' ? (row.rows ?? -1) : row.at.getTime(),
        });
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(new Set(seen.map((row) => row.id)).size).toBe(COUNT);
    const keys = seen.map((row) => row.key);
    expect(keys).toEqual([...keys].sort((a, b) => (sort === 'oldest' ? a - b : b - a)));
  });

  test('a cursor of another order is refused', async () => {
    const { nextCursor } = await searchStatements(auditor, { sort: 'slowest', limit: 10 });
    await expect(searchStatements(auditor, { sort: 'newest', limit: 10, cursor: nextCursor })).rejects.toMatchObject({ code: 'INVALID' });
  });
});

describe('facets', () => {
  test('count the values of a search, each statement once', async () => {
    const facets = new Map((await auditFacets(auditor, { q: '' })).map(({ field, values }) => [field, values]));
    expect(facets.get('who')).toEqual([
      { value: 'bot', count: 300, capped: false },
      { value: 'mia', count: 150, capped: false },
    ]);
    expect(facets.get('table')).toEqual([{ value: 'public.orders', count: COUNT, capped: false }]);
    for (const [q, count] of [
      ['"SELECT 12"', 11],
      ['rows:>=6', 51],
      ['"SELECT 12" rows:>=5', 2],
    ] as const) {
      const statements = (await auditFacets(auditor, { q })).find(({ field }) => field === 'kind')?.values[0]?.count ?? 0;
      expect([q, statements]).toEqual([q, (await searchStatements(auditor, { q })).count.value]);
      expect([q, statements]).toEqual([q, count]);
    }
    const narrowed = await auditFacets(auditor, { q: 'verdict:denied who:mia' });
    expect(narrowed.find(({ field }) => field === 'who')?.values).toEqual([{ value: 'mia', count: 15, capped: false }]);
  });
});
