import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { statementSources } from '../../db/schema/audit';
import { nodes } from '../../db/schema/record';
import { proveRecorded } from '../record/prove';
import { writeLog } from '../record/testing';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { getStatement } from './get';
import { proveStatement } from './prove';
import { recordStatements } from './testing';

const HERE = 'https://one.example.com';
const THERE = 'https://two.example.com';

let db: TestStore;
let dataDir: string;
let auditor: Awaited<ReturnType<TestStore['as']>>;
let id: string;
let node: string;

beforeAll(async () => {
  db = await withStore();
  dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-other-'));
  await writeLog(dataDir, db.secretKey, 5);
  setRuntime({ store: db.store, storeUrl: db.url, secretKey: db.secretKey, dataDir, gatewayId: 'gw_one', consoleUrl: HERE });
  auditor = await db.as('auditor');
  [id = ''] = await recordStatements(db, [{}]);
  const [source] = await db.store.select({ node: statementSources.node }).from(statementSources);
  node = source?.node ?? '';
  await db.store.insert(nodes).values({ name: node, gatewayId: 'gw_two', publicKey: 'k', consoleUrl: THERE });
});
afterAll(async () => {
  await db.close();
  rmSync(dataDir, { recursive: true });
});

const asks = () => [
  proveStatement(auditor, dataDir, { id }).catch((error: Error) => error),
  proveRecorded(auditor, dataDir, { statement: id }).catch((error: Error) => error),
];

test('what another gateway recorded says which one, and where its console is', async () => {
  expect((await getStatement(auditor, { id })).elsewhere).toMatchObject({ node, consoleUrl: THERE, seenAt: expect.any(Date) });
  const [page, command] = await Promise.all(asks());
  expect(page).toMatchObject({ code: 'CONFLICT' });
  // Asked again at once a command would wait for a checkpoint that never comes: it is not there.
  expect(command).toMatchObject({ code: 'NOT_FOUND' });
  for (const refusal of [page, command])
    expect(refusal).toMatchObject({
      message: `${id} stands in the log of ${node}, and only that gateway can prove it: ${THERE}/audit/${id}, or GATEHOUSE_URL=${THERE} npx gatehouse audit prove ${id}`,
    });
});

test.each([
  ['it has said none', null],
  ['it is called as this one is', HERE],
])('no address where %s', async (_, consoleUrl) => {
  await db.store.update(nodes).set({ consoleUrl }).where(eq(nodes.name, node));
  expect((await getStatement(auditor, { id })).elsewhere).toMatchObject({ node, consoleUrl: null });
  for (const refusal of await Promise.all(asks()))
    expect(refusal).toMatchObject({ message: expect.stringContaining('ask its console; the store does not know where that is') });
});

test('what this gateway recorded is nowhere else', async () => {
  await db.store.update(nodes).set({ gatewayId: 'gw_one' }).where(eq(nodes.name, node));
  expect((await getStatement(auditor, { id })).elsewhere).toBeNull();
  const [page, command] = await Promise.all(asks());
  for (const refusal of [page, command]) expect(refusal).not.toMatchObject({ message: expect.stringContaining('only that gateway') });
});
