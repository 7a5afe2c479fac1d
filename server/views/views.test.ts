import { desc } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { actions } from '../../db/schema/audit';
import { type TestStore, withStore } from '../testing';
import { listViews } from './list';
import { removeView } from './remove';
import { saveView } from './save';

let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let ana: Caller;
let bo: Caller;
let admin: Caller;
beforeAll(async () => {
  db = await withStore();
  ana = await db.as('member', { name: 'ana' });
  bo = await db.as('auditor', { name: 'bo' });
  admin = await db.as('admin', { name: 'root' });
});
afterAll(() => db.close());

const draft = { name: 'Held', q: 'verdict:held', range: '7d', sort: 'slowest', columns: ['time', 'sql'] } as const;
const names = async (caller: Caller) => (await listViews(caller)).map((view) => view.name);

test('one’s own are seen by oneself, shared ones by everybody', async () => {
  await saveView(ana, draft);
  expect(await listViews(ana)).toMatchObject([{ ...draft, own: true, shared: false, ownerName: 'ana', from: null, to: null }]);
  expect(await names(bo)).toEqual([]);
  await saveView(bo, { name: 'Denied', q: 'verdict:denied', shared: true });
  expect(await listViews(ana)).toMatchObject([{ name: 'Denied', own: false, ownerName: 'bo' }, { name: 'Held' }]);
});

test('a name is taken once by each owner', async () => {
  await expect(saveView(ana, draft)).rejects.toMatchObject({ code: 'CONFLICT' });
  await saveView(bo, { name: 'Held' });
});

test('nobody changes another’s; an administrator removes a shared one', async () => {
  const [denied] = await listViews(ana);
  if (denied === undefined) throw new Error('no view');
  await expect(saveView(admin, { id: denied.id, name: 'Mine now' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(removeView(ana, { id: denied.id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await removeView(admin, { id: denied.id });
  expect(await names(ana)).toEqual(['Held']);
  const held = (await listViews(ana))[0];
  await expect(removeView(admin, { id: held?.id })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('every change is recorded with before and after', async () => {
  const [held] = await listViews(ana);
  await saveView(ana, { ...draft, id: held?.id, name: 'Held, 30 days', range: '30d' });
  const [action] = await db.store.select().from(actions).orderBy(desc(actions.id)).limit(1);
  expect(action).toMatchObject({ action: 'view.update', actorName: 'ana', before: { range: '7d' }, after: { range: '30d' } });
});
