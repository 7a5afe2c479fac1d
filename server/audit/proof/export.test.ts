import { describe, expect, test } from 'vitest';
import { parseCheckpoint } from '../../../proxy/tlog/checkpoint';
import { noteSigner, parseNoteKey } from '../../../proxy/tlog/noteKey';
import type { LateCheckpoint } from './innerCheckpoints';
import { firstAfter, rangeOf } from './range';
import { exported, keptAt, NOTHING_KEPT, verifyText } from './sampleExport';
import { newestCheckpoint, SampleLog, START_MS, sampleLog } from './sampleLog';
import { Verification } from './verification';
import { proofFile } from './write';

describe('an export that nobody touched', () => {
  test('holds, with and without values, and says what it compared', async () => {
    const log = sampleLog();
    const report = verifyText(await exported(log), keptAt(log, 1));
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({
      ok: true,
      type: 'export',
      origin: 'gatehouse.example/gw_1',
      from: 0,
      to: newestCheckpoint(log).size,
      keptMet: [parseCheckpoint(log.notes[1] ?? '').size],
      values: 80,
      remarks: [],
    });
    expect(report.innerCheckpoints).toBeGreaterThan(6);
    const without = verifyText(await exported(log, { values: false }), keptAt(log, 0));
    expect(without).toMatchObject({ ok: true, values: 0, remarks: [{ kind: 'values' }] });
  });

  test('without anything kept says so', async () => {
    const log = sampleLog(5);
    expect(verifyText(await exported(log))).toMatchObject({ ok: true, remarks: [{ kind: 'nothing kept' }] });
    expect(verifyText(await exported(log), { checkpoints: [], publicKey: parseNoteKey(log.publicKey) })).toMatchObject({
      ok: true,
      remarks: [],
    });
  });

  test('may begin anywhere, and is tied to what was kept before', async () => {
    const log = sampleLog();
    for (const from of [1, 2, 3, 16, 31, 64, newestCheckpoint(log).size]) {
      const report = verifyText(await exported(log, { from }), { checkpoints: [newestCheckpoint(log)], publicKey: null });
      expect(report.findings).toEqual([]);
      expect(report.from).toBe(from);
    }
    const kept = keptAt(log, 0);
    const size = kept.checkpoints[0]?.size ?? 0;
    expect(verifyText(await exported(log, { from: size + 5 }), kept).findings).toMatchObject([{ kind: 'kept checkpoint' }]);
    expect(verifyText(await exported(log, { from: size + 5, kept: [size] }), kept)).toMatchObject({ ok: true, keptMet: [size] });
  });

  test('with erased values holds, and says how many are gone', async () => {
    const log = sampleLog();
    const index = log.read(0, 99).find((record) => record.sealed !== null)?.index ?? 0;
    log.erase(index);
    const report = verifyText(await exported(log), keptAt(log, 0));
    expect(report).toMatchObject({ ok: true, values: 78, remarks: [{ kind: 'values' }] });
    expect(report.remarks[0]?.message).toContain('1 entries');
  });

  test('a checkpoint that is quoted long after it was signed is compared in a second reading', async () => {
    const log = sampleLog();
    const text = await exported(log);
    const { size, root } = parseCheckpoint(log.notes[2] ?? '');
    const read = (late: LateCheckpoint) => {
      const verification = new Verification(NOTHING_KEPT, [late]);
      for (const line of text.split('\n').slice(0, -1)) verification.line(Buffer.from(line));
      return verification.end(true);
    };
    expect(read({ size, root, entry: 70 })).toMatchObject({ ok: true, innerCheckpoints: verifyText(text).innerCheckpoints + 1 });
    expect(read({ size, root: Buffer.alloc(32), entry: 70 }).findings).toMatchObject([{ kind: 'root', entry: 70 }]);
  });

  test('of an empty range and of a log with one entry', async () => {
    const log = new SampleLog();
    log.begin();
    log.sign();
    expect(verifyText(await exported(log))).toMatchObject({ ok: true, entries: 1 });
    expect(verifyText(await exported(log, { from: 1 }))).toMatchObject({ ok: true, entries: 0 });
  });

  test('with damage and a clock that went back holds, and says where', async () => {
    const log = new SampleLog();
    const statement = (seq: number, atMs: number) =>
      log.append({ type: 'outcome', id: 'stm_1', status: 'done', atMs }, { journal: 'w', seq });
    statement(0, START_MS);
    log.append({ type: 'damage', atMs: START_MS, journal: 'w', segment: 3, fromByte: 100, toByte: 900, why: 'checksum' });
    statement(4, START_MS - 60_000);
    log.sign();
    const report = verifyText(await exported(log), { checkpoints: [newestCheckpoint(log)], publicKey: null });
    expect(report.findings).toEqual([]);
    expect(report.remarks.map(({ kind, entry }) => [kind, entry])).toEqual([
      ['damage', 1],
      ['clock', 2],
    ]);
    expect(report.remarks[0]?.message).toContain('bytes 100 to 900 of segment 3');
  });
});

describe('gaps that were there before the log was signed', () => {
  test.each([
    [[0, 2], 'Entries 1 to 1 of the journal "w" are missing before entry 1'],
    [[1, 2], 'Entries 0 to 0 of the journal "w" are missing before entry 0'],
    [[0, 0], 'entry came twice'],
  ])('journal numbers %j', async (seqs, message) => {
    const log = new SampleLog();
    for (const seq of seqs) log.append({ type: 'outcome', id: 'stm_1', status: 'done' }, { journal: 'w', seq });
    log.sign();
    expect(verifyText(await exported(log)).findings).toMatchObject([{ kind: 'sequence', message: expect.stringContaining(message) }]);
  });

  test('checkpoints of another log that cannot both be true', async () => {
    const log = new SampleLog();
    const other = sampleLog(10, 5, new SampleLog(noteSigner('gatehouse.example/gw_2', Buffer.alloc(32, 8))));
    const forked = sampleLog(10, 5, new SampleLog(noteSigner('gatehouse.example/gw_2', Buffer.alloc(32, 8))), 'forked');
    log.sign([other.notes[1] ?? '']);
    log.sign([other.notes[2] ?? '']);
    log.sign([forked.notes[2] ?? '']);
    log.sign([]);
    expect(verifyText(await exported(log)).findings).toMatchObject([{ kind: 'foreign checkpoint', entry: 2 }]);
  });
});

describe('ranges by time', () => {
  const log = sampleLog(400, 23);
  const newest = newestCheckpoint(log);

  test('begin and end where a checkpoint speaks of all of it', async () => {
    const range = rangeOf(log, newest, { sinceMs: START_MS + 100_000, untilMs: START_MS + 120_000 });
    const times = log.read(range.from, range.checkpoint.size - range.from).flatMap(({ leaf }) => Number(leaf.entry.atMs ?? []));
    expect(range.from).toBeGreaterThan(0);
    expect(range.checkpoint.size).toBeLessThan(newest.size);
    expect(Math.min(...times)).toBeLessThanOrEqual(START_MS + 100_000);
    expect(Math.max(...times)).toBeGreaterThanOrEqual(START_MS + 120_000);
    expect(rangeOf(log, newest, { sinceMs: null, untilMs: null })).toMatchObject({ from: 0, checkpoint: { size: newest.size } });
    expect(rangeOf(log, newest, { sinceMs: START_MS + 9e9, untilMs: null }).from).toBe(newest.size);
  });

  test('halving finds the first entry of a time', () => {
    for (const second of [0, 1, 57, 199]) {
      const index = firstAfter(log, newest.size, START_MS + second * 1_000);
      const before = log.read(0, index).filter(({ leaf }) => Number(leaf.entry.atMs) >= START_MS + second * 1_000);
      expect(before).toEqual([]);
      expect(log.read(index, 5).some(({ leaf }) => Number(leaf.entry.atMs) >= START_MS + second * 1_000)).toBe(true);
    }
  });
});

describe('the proof of one statement', () => {
  const log = sampleLog();
  const checkpoint = newestCheckpoint(log);
  const indexes = log
    .read(0, log.size)
    .filter(({ leaf }) => leaf.entry.id === 'stm_7')
    .map(({ index }) => index);
  const proof = async (kept: number[] = [], values = true) =>
    (await proofFile(log, 'stm_7', indexes, checkpoint, values ? log.open : null, kept)).toString('utf8');

  test('holds, alone and against checkpoints from before and after', async () => {
    const report = verifyText(await proof());
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ ok: true, type: 'statement', entries: 2, values: 2, checkpoint: { size: checkpoint.size } });
    const text = await proof();
    expect(text).toContain("SELECT 'ü', 7");
    expect(text).not.toContain('stm_6');
    for (let at = 0; at < log.notes.length; at++) {
      const kept = keptAt(log, at);
      const size = kept.checkpoints[0]?.size ?? 0;
      expect(verifyText(await proof([size]), kept)).toMatchObject({ ok: true, keptMet: [size] });
    }
    expect(verifyText(await proof(), keptAt(log, 0)).findings).toMatchObject([{ kind: 'kept checkpoint' }]);
    expect(verifyText(await proof([], false))).toMatchObject({ ok: true, values: 0 });
  });

  test.each([
    ['another statement', (text: string) => text.replace('"statement":"stm_7"', '"statement":"stm_8"'), 'statement'],
    [
      'its intent left out',
      (text: string) =>
        text
          .split('\n')
          .filter((line) => !line.includes('"type":"statement"'))
          .join('\n'),
      'statement',
    ],
    ['another outcome', (text: string) => text.replace('"rows":7', '"rows":8'), 'root'],
    ['renumbered', (text: string) => text.replace(`{"index":${indexes[1]}`, `{"index":${(indexes[1] ?? 0) + 1}`), 'root'],
    ['a changed path', (text: string) => text.replace(/"path":\["./, '"path":["B'), 'root'],
    ['no path', (text: string) => text.replace(/,"path":\[[^\]]*\]/, ''), 'path'],
    ['another value', (text: string) => text.replace("SELECT 'ü', 7", "SELECT 'ü', 8"), 'value'],
    ['cut off', (text: string) => text.split('\n').slice(0, -2).join('\n'), 'incomplete'],
    [
      'the entries exchanged',
      (text: string) => {
        const [head = '', a = '', b = '', ...rest] = text.split('\n');
        return [head, b, a, ...rest].join('\n');
      },
      'index',
    ],
  ])('%s is found', async (_name, change, kind) => {
    const text = await proof();
    expect(change(text)).not.toBe(text);
    expect(verifyText(change(text)).findings.map((finding) => finding.kind)).toContain(kind);
  });

  test('of a log that was rebuilt is found', async () => {
    const rebuilt = sampleLog(40, 9, new SampleLog(), 'rebuilt');
    const kept = keptAt(log, 0);
    const text = await proofFile(rebuilt, 'stm_7', indexes, newestCheckpoint(rebuilt), rebuilt.open, [kept.checkpoints[0]?.size ?? 0]);
    expect(verifyText(text.toString('utf8')).ok).toBe(true);
    expect(verifyText(text.toString('utf8'), kept).findings).toMatchObject([{ kind: 'kept checkpoint' }]);
  });
});
