import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { actions } from '../../db/schema/audit';
import { checkpoints, erasureNodes, nodes, valueKeys } from '../../db/schema/record';
import type { JournalEntry, StatementEntry } from '../../proxy/journal/entries';
import { journalDirectory } from '../../proxy/journal/places';
import { openJournal } from '../../proxy/journal/write';
import { openAppendLog } from '../../proxy/record/appendLog';
import { openCheckpointKey } from '../../proxy/record/checkpointFile';
import { LeafGroup } from '../../proxy/record/group';
import type { LogRecord } from '../../proxy/record/leaf';
import { openLogFiles } from '../../proxy/record/readLog';
import { type Recorder, startRecorder } from '../../proxy/record/recorder';
import { sealEntry } from '../../proxy/record/seal';
import { logDirectory } from '../../proxy/record/segments';
import { Ledger } from '../../proxy/record/state';
import { parseCheckpoint } from '../../proxy/tlog/checkpoint';
import { signatureOf } from '../../proxy/tlog/note';
import { parseNoteKey } from '../../proxy/tlog/noteKey';
import { rootAt } from '../../proxy/tlog/subtrees';
import { recordAction } from '../actions/record';
import type { Call } from '../identity/actor';
import { type TestStore, withStore } from '../testing';
import { eraseValues } from './erase';
import { getStatement } from './get';
import { auditStatus } from './status';

/** The recorder with a real store, real journals and real files. */

let db: TestStore;
let admin: Call;
beforeAll(async () => {
  db = await withStore();
  admin = await db.as('admin', { name: 'ada' });
});
afterAll(() => db.close());

let dir: string;
let node: string;
let clockMs: number | null;
const made: string[] = [];
const running: Recorder[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-record-'));
  made.push(dir);
  mkdirSync(join(dir, 'record'));
  node = `node-${made.length}`;
  clockMs = null;
});
afterAll(async () => {
  for (const recorder of running) await recorder.drain(1_000).catch(() => undefined);
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

const statement = (id: string, given: Partial<StatementEntry> = {}): StatementEntry => ({
  type: 'statement',
  id,
  sessionId: 'ses_1',
  principalName: 'bot',
  ownerName: null,
  connectionName: 'shop',
  clientAddress: '127.0.0.1:5',
  applicationName: 'psql',
  atMs: Date.now(),
  kind: 'SELECT',
  sql: "SELECT 'canary-value'",
  rewritten: null,
  fingerprint: 'f',
  shape: 'SELECT ?',
  protocol: 'extended',
  parameters: [{ typeOid: 25, value: 'canary-parameter' }],
  relations: [],
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
  ...given,
});
const outcome = (id: string): JournalEntry => ({ type: 'outcome', id, status: 'done', rows: 1, atMs: Date.now() });

async function start(first = true): Promise<Recorder> {
  const signer = openCheckpointKey(dir, node, db.secretKey);
  await db.store
    .insert(nodes)
    .values({ name: node, gatewayId: `gw_${node}`, publicKey: signer.text })
    .onConflictDoNothing();
  const recorder = await startRecorder({
    store: db.store,
    storeUrl: db.url,
    secretKey: db.secretKey,
    dataDir: dir,
    gatewayId: `gw_${node}`,
    node,
    signer,
    first,
    now: () => clockMs ?? Date.now(),
    random: randomBytes,
    onSinkTrouble: () => undefined,
    onTrouble: (part, error) => console.error(part, error),
  });
  running.push(recorder);
  await recorder.ready;
  return recorder;
}
async function stop(recorder: Recorder): Promise<void> {
  running.splice(running.indexOf(recorder), 1);
  await recorder.drain(5_000);
}
function entries(): LogRecord[] {
  const log = openLogFiles(dir);
  const found: LogRecord[] = [];
  while (found.length < log.size) found.push(...log.read(found.length, 1_000));
  log.close();
  return found;
}
const of = (type: string) => entries().filter(({ leaf }) => leaf.entry.type === type);
const idsOf = (type: string) => of(type).map(({ leaf }) => leaf.entry.id);
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not in 15 s: ${what}`);
}
/** `…-<start>-<pid>`: of this process, so that it is alive. */
const journalName = (label: string, pid: number = process.pid) => `gw_${label}-w1-${Date.now()}-${pid}`;

describe('journals', () => {
  test('are taken in order, each entry once, over restarts; and are gone when they ended', async () => {
    const ids = Array.from({ length: 60 }, () => newId('stm'));
    const journal = openJournal(dir, journalName('a'), { segmentBytes: 20_000 });
    const write = async (part: string[]) => {
      for (const id of part) journal.append(statement(id));
      for (const id of part) journal.append(outcome(id));
      await new Promise<void>((resolve) => journal.whenWritten('written', () => resolve()));
    };
    await write(ids.slice(0, 20));
    let recorder = await start(false);
    expect(idsOf('statement')).toEqual(ids.slice(0, 20));
    await write(ids.slice(20, 40));
    await until('the second part', () => idsOf('outcome').length === 40);
    await stop(recorder);
    await write(ids.slice(40));
    journal.close();
    recorder = await start(false);
    await until('the journal’s end', () => readdirSync(journalDirectory(dir)).length === 0);
    expect(idsOf('statement')).toEqual(ids);
    expect(idsOf('outcome')).toEqual(ids);
    const seqs = entries().flatMap(({ leaf }) => (leaf.seq === null ? [] : [leaf.seq]));
    expect(seqs).toEqual(Array.from({ length: 120 }, (_, n) => n));
    await until('the store has them', () => recorder.status().shipLagEntries === 0);
    expect(await getStatement(admin, { id: ids[59] })).toMatchObject({ sql: "SELECT 'canary-value'", status: 'done', rows: 1 });
    await stop(recorder);
  });

  test('nothing a client sent is on disk in the clear, in the log or in the store', async () => {
    const journal = openJournal(dir, journalName('b'));
    journal.append(statement(newId('stm')));
    journal.close();
    const recorder = await start(false);
    await until('shipped', () => recorder.status().shipLagEntries === 0);
    for (const name of readdirSync(logDirectory(dir))) expect(readFileSync(join(logDirectory(dir), name)).includes('canary-')).toBe(false);
    await stop(recorder);
  });

  test('of an earlier version are taken too, up to what cannot be read', async () => {
    const frame = (entry: JournalEntry) => {
      const payload = Buffer.from(JSON.stringify(entry));
      const head = Buffer.alloc(8);
      head.writeUInt32BE(payload.length, 0);
      head.writeUInt32BE(crc32(payload), 4);
      return Buffer.concat([head, payload]);
    };
    const ids = [newId('stm'), newId('stm'), newId('stm')];
    const [a, b, c] = ids.map((id) => frame(statement(id)));
    const folder = join(journalDirectory(dir), 'gw_old-w1-1-999999');
    mkdirSync(folder, { recursive: true });
    const broken = Buffer.from(b ?? Buffer.alloc(0));
    broken[20] = (broken[20] ?? 0) ^ 1;
    writeFileSync(join(folder, '00000000.log'), Buffer.concat([a ?? Buffer.alloc(0), broken]));
    writeFileSync(join(folder, '00000001.log'), Buffer.concat([c ?? Buffer.alloc(0), Buffer.from([0, 0, 1])]));
    const recorder = await start();
    expect(idsOf('statement')).toEqual([ids[0], ids[2]]);
    expect(of('damage').map(({ leaf }) => leaf.entry)).toMatchObject([{ journal: 'gw_old-w1-1-999999', segment: 0, fromByte: a?.length }]);
    expect(readdirSync(journalDirectory(dir))).toEqual([]);
    await stop(recorder);
  });

  test('of a newer version are left alone and said; the others go on', async () => {
    const name = journalName('new', 999_999);
    const journal = openJournal(dir, name);
    journal.append(statement(newId('stm')));
    journal.close();
    const path = join(journalDirectory(dir), name, '00000000.log');
    const bytes = readFileSync(path);
    for (const at of [0, 32]) {
      bytes.writeUInt16LE(7, at + 6);
      bytes.writeUInt32LE(crc32(bytes.subarray(at, at + 28)), at + 28);
    }
    writeFileSync(path, bytes);
    const good = newId('stm');
    const other = openJournal(dir, journalName('good', 999_998));
    other.append(statement(good));
    other.close();
    const recorder = await start();
    expect(idsOf('statement')).toEqual([good]);
    expect(recorder.status().refusedJournals).toEqual([{ journal: name, why: expect.stringContaining('newer version') }]);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    await stop(recorder);
  });

  test('damage in the middle is an entry with its range, before what follows it', async () => {
    const name = journalName('hurt', 999_997);
    const journal = openJournal(dir, name);
    const ids = Array.from({ length: 5 }, () => newId('stm'));
    for (const id of ids) journal.append(outcome(id));
    journal.close();
    const path = join(journalDirectory(dir), name, '00000000.log');
    const bytes = readFileSync(path);
    const at = bytes.indexOf(ids[2] ?? '');
    bytes[at + 5] = (bytes[at + 5] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const recorder = await start();
    const types = entries().flatMap(({ leaf }) => (leaf.journal === null ? [] : [leaf.seq ?? leaf.entry.type]));
    expect(types).toEqual([0, 1, 'damage', 3, 4]);
    const [damage] = of('damage');
    expect(Number(damage?.leaf.entry.fromByte)).toBeLessThanOrEqual(at);
    expect(Number(damage?.leaf.entry.toByte)).toBeGreaterThan(at);
    await stop(recorder);
  });
});

describe('actions', () => {
  test('become entries once, also where a crash came before the store was told', async () => {
    const act = (subject: string) =>
      db.store.transaction((tx) => recordAction(tx, admin.actor, { action: 'test.act', subject, after: { n: 1 } }));
    await act(`${node}-1`);
    let recorder = await start();
    await until('the first', () => of('action').some(({ leaf }) => leaf.entry.subject === `${node}-1`));
    await stop(recorder);
    await act(`${node}-2`);
    const [row] = await db.store
      .update(actions)
      .set({ gatewayId: `gw_${node}` })
      .where(eq(actions.subject, `${node}-2`))
      .returning();
    // As the log is when the process died between its group and the store.
    const ledger = new Ledger(openAppendLog(dir));
    const entry = {
      type: 'action' as const,
      id: row?.id ?? '',
      atMs: Date.now(),
      actorId: null,
      actorName: 'ada',
      via: 'cli',
      action: 'test.act',
      subject: `${node}-2`,
      before: null,
      after: null,
    };
    const leaf = sealEntry(entry, { node, journal: null, valueKey: null, wordKey: Buffer.alloc(32), random: randomBytes });
    await ledger.append(LeafGroup.of([leaf]), (_, at) => ({ actions: [[entry.id, at]] }));
    ledger.log.close();
    recorder = await start();
    await until('the store is told', async () => {
      const [told] = await db.store.select().from(actions).where(eq(actions.id, entry.id));
      return told?.logIndex != null;
    });
    await stop(recorder);
    const mine = of('action').filter(
      ({
        leaf: {
          entry: { subject },
        },
      }) => String(subject).startsWith(node),
    );
    expect(
      mine.map(
        ({
          leaf: {
            entry: { subject },
          },
        }) => subject,
      ),
    ).toEqual([`${node}-1`, `${node}-2`]);
    for (const {
      index,
      leaf: {
        entry: { id },
      },
    } of mine)
      expect(
        (
          await db.store
            .select()
            .from(actions)
            .where(eq(actions.id, String(id)))
        )[0]?.logIndex,
      ).toBe(index);
  });
});

describe('checkpoints', () => {
  test('are signed when the log grew, quote the one before and the other node’s, and are in the store', async () => {
    const recorder = await start();
    await stop(recorder);
    const again = await start();
    await stop(again);
    const rows = await db.store.select().from(checkpoints).where(eq(checkpoints.node, node));
    expect(rows.length).toBe(2);
    const key = parseNoteKey(again.status().publicKey);
    const log = openLogFiles(dir);
    for (const { note, size, root } of rows) {
      const parsed = parseCheckpoint(note);
      expect(signatureOf(parsed.note, key)).toBe('valid');
      expect(parsed.size).toBe(size);
      expect(rootAt(size, log.hashAt).toString('base64')).toBe(root);
    }
    expect(log.checkpoint()).toBe(rows.find(({ size }) => size === log.size)?.note);
    log.close();
    const quoted = of('checkpoint').map(({ leaf }) => leaf.entry.notes as string[]);
    const [last] = quoted.slice(-1);
    expect(last?.[0]).toBe(rows.sort((a, b) => a.size - b.size)[0]?.note);
    const others = quoted.flat().map((note) => parseCheckpoint(note).origin);
    expect(others.some((origin) => origin !== `gatehouse/${node}`)).toBe(true);
  });

  test('a log that is shorter than what was signed, or another, is refused with what to do', async () => {
    await stop(await start());
    rmSync(join(dir, 'record', 'log'), { recursive: true });
    rmSync(join(dir, 'record', 'hashes'));
    await expect(start()).rejects.toThrow(/ends after 0 entries.*GATEHOUSE_NODE/s);
    const log = openAppendLog(dir);
    const leaf = { text: ['{"v":1,"node":"x","journal":null,"seq":null,"entry":{"type":"start"}}'], values: null };
    await log.append(LeafGroup.of(Array.from({ length: 20 }, () => leaf)), '');
    log.close();
    await expect(start()).rejects.toThrow(/not the one whose checkpoints are in the store/);
  });

  test('a clock that goes back changes no order and stops nothing', async () => {
    const name = journalName('clock', 999_996);
    const journal = openJournal(dir, name);
    const ids = Array.from({ length: 4 }, () => newId('stm'));
    for (const [n, id] of ids.entries()) journal.append(statement(id, { atMs: 1_700_000_000_000 - n * 86_400_000 }));
    journal.append(statement(newId('stm'), { atMs: Number.MAX_VALUE }));
    journal.close();
    clockMs = 1_700_000_000_000;
    const recorder = await start();
    clockMs = 1_600_000_000_000;
    expect(idsOf('statement').slice(0, 4)).toEqual(ids);
    await stop(recorder);
    clockMs = 1_500_000_000_000;
    const again = await start();
    await stop(again);
    expect(again.status()).toMatchObject({ broken: null });
    expect(again.status().checkpoint?.size).toBe(again.status().size);
  });
});

describe('self-check', () => {
  test('an entry changed on disk is said, in the status of every console', async () => {
    const journal = openJournal(dir, journalName('self', 999_995));
    const id = newId('stm');
    journal.append(outcome(id));
    journal.close();
    await stop(await start());
    const [file = ''] = readdirSync(logDirectory(dir));
    const path = join(logDirectory(dir), file);
    const bytes = readFileSync(path);
    bytes.write('"rows":9', bytes.indexOf('"rows":1'));
    writeFileSync(path, bytes);
    const recorder = await start();
    expect(recorder.status().broken).toMatchObject({ index: 1, what: expect.stringContaining('not as they were written') });
    await until('the console hears of it', async () =>
      (await auditStatus(admin)).nodes.some((one) => one.node === node && one.broken?.index === 1 && one.checkpoint !== null),
    );
    await stop(recorder);
  });
});

describe('erasure', () => {
  test('of a principal’s day: nobody reads it, its words and bytes are gone, the root is as before', async () => {
    const principalName = `person-${node}`;
    const [a, b, other] = [newId('stm'), newId('stm'), newId('stm')];
    const journal = openJournal(dir, journalName('erase', 999_994));
    journal.append(statement(a, { principalName, atMs: Date.parse('2026-11-01T10:00:00Z') }));
    journal.append(statement(b, { principalName, atMs: Date.parse('2026-11-03T10:00:00Z') }));
    journal.append({
      type: 'result',
      id: a,
      principalName,
      atMs: Date.parse('2026-11-01T10:00:01Z'),
      columns: [{ name: 'n', typeOid: 25 }],
      rows: [['cell']],
    });
    journal.append(statement(other, { atMs: Date.parse('2026-11-01T10:00:00Z') }));
    journal.close();
    const recorder = await start();
    await until('shipped', () => recorder.status().shipLagEntries === 0);
    const size = recorder.log.size;
    const before = rootAt(size, recorder.log.hashAt.bind(recorder.log));
    expect((await getStatement(admin, { id: a })).sql).toContain('canary-value');

    await expect(eraseValues(await db.as('auditor'), { principal: principalName, reason: 'x' })).rejects.toThrow(/role admin/);
    await expect(eraseValues(admin, { principal: principalName })).rejects.toThrow(/reason/);
    await expect(eraseValues(admin, { principal: 'nobody-there', reason: 'x' })).rejects.toThrow(/does not exist/);
    const { id, keys } = await eraseValues(admin, {
      principal: principalName,
      since: '2026-10-30',
      until: '2026-11-02',
      reason: 'asked to',
    });
    expect(keys).toBe(1);
    expect(await getStatement(admin, { id: a })).toMatchObject({ sql: '(erased)', parameters: [] });
    expect((await getStatement(admin, { id: b })).sql).toContain('canary-value');
    expect((await getStatement(admin, { id: other })).sql).toContain('canary-value');
    recorder.wake();
    await until(
      'the files follow',
      async () =>
        (
          await db.store
            .select()
            .from(erasureNodes)
            .where(and(eq(erasureNodes.erasureId, id), eq(erasureNodes.node, node)))
        ).length === 1,
    );
    const stored = entries().filter(({ leaf }) => leaf.entry.id === a);
    expect(stored.map(({ sealed, words }) => [sealed, words.length])).toEqual([
      [null, 0],
      [null, 0],
    ]);
    expect(entries().find(({ leaf }) => leaf.entry.id === b)?.sealed).not.toBe(null);
    expect(rootAt(size, recorder.log.hashAt.bind(recorder.log))).toEqual(before);
    expect(
      (await db.store.select().from(valueKeys).where(eq(valueKeys.principalName, principalName))).filter(
        ({ keySealed }) => keySealed === null,
      ).length,
    ).toBe(1);
    await until('the erasure is an entry', () =>
      of('action').some(({ leaf }) => leaf.entry.action === 'audit.erase' && leaf.entry.subject === principalName),
    );

    await eraseValues(admin, { statement: b, reason: 'asked to' });
    expect(await getStatement(admin, { id: b })).toMatchObject({ sql: '(erased)', parameters: [] });
    recorder.wake();
    await until('the files follow', () => entries().find(({ leaf }) => leaf.entry.id === b)?.sealed === null);
    await stop(recorder);
    expect((await start()).status().broken).toBe(null);
  });
});
