import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listSegments, logDirectory } from '../../proxy/record/segments';
import { handleRecordExport } from '../api/recordExport';
import { listActions } from '../audit/actions';
import { verifyText } from '../audit/proof/sampleExport';
import { runCli } from '../cli/run';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { createToken } from '../tokens/create';
import { exportRecord } from './export';
import { proveRecorded } from './prove';
import { writeLog } from './testing';

let db: TestStore;
let server: Server;
let folder: string;
let dataDir: string;
let url: string;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  db = await withStore();
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-export-'));
  dataDir = join(folder, 'data');
  await writeLog(dataDir, db.secretKey, 40);
  server = createServer((req, res) => void handleRecordExport(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  setRuntime({ store: db.store, storeUrl: db.url, secretKey: db.secretKey, dataDir, gatewayId: 'gw_test', consoleUrl: url });
  const admin = await db.as('admin', { name: 'root' });
  for (const role of ['auditor', 'reviewer'] as const) {
    const { actor } = await db.as(role, { name: role });
    tokens[role] = (await createToken(admin, { principal: actor.name, ttlMs: 600_000 })).secret;
  }
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await db.close();
  rmSync(folder, { recursive: true });
});

async function cli(args: string[], token = tokens.auditor): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    env: { GATEHOUSE_URL: url, GATEHOUSE_TOKEN: token },
    out: (text) => {
      out += text;
    },
    run: () => Promise.reject(new Error('no other command')),
    open: () => undefined,
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

const file = (name: string) => join(folder, name);

test('an auditor exports, it verifies, and it is recorded', async () => {
  expect(await cli(['audit', 'export', '--out', file('whole')])).toMatchObject({
    code: 0,
    out: expect.stringContaining('entries 0 to 39'),
  });
  expect(verifyText(readFileSync(file('whole'), 'utf8'))).toMatchObject({ ok: true, entries: 40 });
  const { items } = await listActions(await db.as('auditor'), {});
  expect(items[0]).toMatchObject({
    action: 'record.export',
    actorName: 'auditor',
    subject: 'gatehouse/n',
    after: { from: 0, to: 40, withValues: false },
  });
});

test('a reviewer does not, nor does nobody, nor another site with a cookie', async () => {
  expect(await cli(['audit', 'export', '--out', file('no')], tokens.reviewer)).toMatchObject({
    code: 1,
    err: expect.stringContaining('admin or auditor'),
  });
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401);
  expect((await fetch(url)).status).toBe(400);
  await expect(exportRecord(await db.as('member'), dataDir, {})).rejects.toThrow('admin or auditor');
  await expect(proveRecorded(await db.as('reviewer'), dataDir, { statement: 'stm_00000000000000000000' })).rejects.toThrow(
    'admin or auditor',
  );
});

test('where nothing is signed yet, that is said', async () => {
  await expect(exportRecord(await db.as('admin'), join(folder, 'empty'), {})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('one whose log is damaged breaks off, says which entries, and leaves no file', async () => {
  const [segment] = listSegments(logDirectory(dataDir));
  const path = segment?.path ?? '';
  const bytes = readFileSync(path);
  const damaged = Buffer.from(bytes);
  damaged.write('X', bytes.indexOf('stm_25'));
  writeFileSync(path, damaged);
  try {
    const run = await cli(['audit', 'export', '--out', file('damaged')]);
    expect(run).toMatchObject({ code: 1, err: expect.stringMatching(/entries 2\d to \d+ of the record are damaged on disk/) });
    expect(run.err).not.toContain(folder);
    expect(() => readFileSync(file('damaged'))).toThrow('ENOENT');
    // Whoever keeps the stream by other means has no file that verifies.
    const text = await (await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${tokens.auditor}` }, body: '{}' })).text();
    expect(verifyText(text).findings.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['malformed', 'incomplete']));
  } finally {
    writeFileSync(path, bytes);
  }
});
