import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asc } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { statements } from '../../db/schema/audit';
import { openStore, type Store } from '../../db/store';
import type { StatementEntry } from './entries';
import { shipAll, startShipper } from './ship';
import { openJournal } from './write';

let store: Store;
let stop: () => Promise<void>;
let dir: string;

beforeAll(async () => {
  const database = await withPostgres();
  await migrateStore(database.url);
  const opened = openStore(database.url, { max: 4, applicationName: 'ship test' });
  store = opened.store;
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-ship-'));
  stop = async () => {
    await opened.close();
    await database.drop();
    rmSync(dir, { recursive: true });
  };
});
afterAll(() => stop());

const intent = (id: string, sqlText = 'select 1'): StatementEntry => ({
  type: 'statement',
  id,
  sessionId: 'ses_1',
  principalName: 'bot',
  ownerName: 'ana',
  connectionName: 'shop',
  clientAddress: '127.0.0.1:5',
  applicationName: 'psql',
  atMs: Date.now(),
  kind: 'SELECT',
  sql: sqlText,
  rewritten: null,
  fingerprint: 'f',
  protocol: 'extended',
  parameters: [{ typeOid: 23, value: '42' }],
  relations: [{ name: 'public.t', access: 'read' }],
  effects: ['read'],
  verdict: 'allow',
  rule: null,
  why: 'default',
  tried: [],
  policyVersion: 3,
  requestId: null,
  status: 'running',
  sqlstate: null,
  analysisMs: 0.2,
  transactionStatus: 'I',
});

const DETECTED = [{ rule: 'anywhere', detector: 'email' as const, mode: 'enforce' as const, cells: 3 }];

const rows = () => store.select().from(statements).orderBy(asc(statements.id));

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('shipper', () => {
  test('copies intents and outcomes, whichever round they come in, once', async () => {
    const journal = openJournal(dir, 'a', { segmentBytes: 2_000 });
    const ids = Array.from({ length: 40 }, (_, i) => newId('stm', 1_000 + i));
    for (const id of ids) journal.append(intent(id));
    await turn();
    while ((await shipAll(store, dir)) > 0);
    expect((await rows()).map((row) => row.status)).toEqual(ids.map(() => 'running'));

    for (const id of ids)
      journal.append({
        type: 'outcome',
        id,
        status: 'done',
        rows: 2,
        bytes: 9,
        durationMs: 1.5,
        maskedColumns: ['public.t.ssn'],
        detected: DETECTED,
      });
    await turn();
    while ((await shipAll(store, dir)) > 0);
    expect(await shipAll(store, dir)).toBe(0);
    const stored = await rows();
    expect(stored.map((row) => row.id)).toEqual(ids);
    expect(stored[0]).toMatchObject({
      status: 'done',
      rows: 2,
      parameters: [{ typeOid: 23, value: '42' }],
      maskedColumns: ['public.t.ssn'],
      detected: DETECTED,
      ownerName: 'ana',
    });
    journal.close();
  });

  test('a torn tail is left for its writer, and the next entry is not lost', async () => {
    const journal = openJournal(dir, 'b');
    const first = newId('stm');
    journal.append(intent(first));
    await turn();
    appendFileSync(join(dir, 'journal', 'b', '00000000.log'), Buffer.from([0, 0]));
    while ((await shipAll(store, dir)) > 0);
    expect((await rows()).some((row) => row.id === first)).toBe(true);
    journal.close();
  });

  test('U+0000 in a text does not stop the journal', async () => {
    const journal = openJournal(dir, 'c');
    const id = newId('stm');
    journal.append(intent(id, 'select \0'));
    await turn();
    while ((await shipAll(store, dir)) > 0);
    expect((await rows()).find((row) => row.id === id)?.sql).toBe('select \u2400');
    journal.close();
  });

  test('what is written up to its end is shipped when it stops', async () => {
    const shipper = startShipper({ store, dataDir: dir });
    const journal = openJournal(dir, 'd');
    const id = newId('stm');
    journal.append(intent(id));
    await turn();
    await shipper.stop();
    expect((await rows()).some((row) => row.id === id)).toBe(true);
    journal.close();
  });
});
