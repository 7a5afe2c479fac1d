import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { leafHash } from '../tlog/hash';
import { inclusionProof, rootByInclusion } from '../tlog/inclusion';
import { hashesOf, rootAt } from '../tlog/subtrees';
import { openAppendLog } from './appendLog';
import { LeafGroup, type NewLeaf } from './group';
import type { LogReader } from './leaf';
import { LogDamagedError, openLogFiles } from './readLog';
import { readOver } from './readOver';
import { listSegments, logDirectory } from './segments';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-log-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const WORDS = Buffer.from('00112233aabbccddffeeddcc00112233', 'hex');
const textOf = (n: number) => JSON.stringify({ v: 1, node: 'a', journal: 'j', seq: n, entry: { type: 'outcome', id: `stm_${n}` } });
const bytesOf = (n: number) => Buffer.from(textOf(n));
const leaf = (n: number, secret?: string): NewLeaf => ({
  text: [textOf(n)],
  values: secret === undefined ? null : { sealed: { keyId: 'vky_1', box: Buffer.from(`box of ${secret}`) }, words: WORDS },
});
const leaves = (from: number, count: number) =>
  LeafGroup.of(Array.from({ length: count }, (_, at) => leaf(from + at, (from + at) % 3 === 0 ? `s${from + at}` : undefined)));
const rootOf = (count: number) => rootAt(count, hashesOf(Array.from({ length: count }, (_, n) => leafHash(bytesOf(n)))));
const ids = (from: number, limit = 10_000, at = dir) => {
  const log = openLogFiles(at);
  const read: number[] = [];
  for (let next = from; next < log.size && read.length < limit; ) {
    const records = log.read(next, limit - read.length);
    read.push(...records.map(({ leaf: { seq } }) => seq ?? -1));
    next += records.length;
  }
  log.close();
  return read;
};
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
const files = () => listSegments(logDirectory(dir)).map(({ path }) => path);

describe('the log on disk', () => {
  test('groups are read back from any place, over files, with their values', async () => {
    const log = openAppendLog(dir, 4_000);
    for (let n = 0; n < 500; n += 25) expect(await log.append(leaves(n, 25), `state ${n}`)).toBe(n);
    expect(files().length).toBeGreaterThan(5);
    for (const from of [0, 1, 24, 25, 333, 499])
      expect(log.read(from, 3).map(({ index }) => index)).toEqual([from, from + 1, from + 2].filter((n) => n < 500));
    expect(log.read(500, 1)).toEqual([]);
    expect(ids(0)).toEqual(upTo(500));
    expect(ids(271)).toEqual(upTo(500).slice(271));
    const [record] = log.read(3, 1);
    expect(record).toMatchObject({
      index: 3,
      sealed: { keyId: 'vky_1', box: Buffer.from('box of s3') },
      words: WORDS,
    });
    expect(record?.bytes).toEqual(bytesOf(3));
    expect(log.read(4, 1)[0]).toMatchObject({ sealed: null, words: Buffer.alloc(0) });
    log.close();
  });

  test('groups that come at once go in one after the other, and one that fails takes none with it', async () => {
    const log = openAppendLog(dir, 4_000);
    const broken = { count: 1, frames: () => assert.fail('no room') } as unknown as LeafGroup;
    const appended = [0, 25, 50].map((n) => log.append(leaves(n, 25), `state ${n}`));
    const failed = expect(log.append(broken, 'broken')).rejects.toThrow('no room');
    appended.push(log.append(leaves(75, 25), 'state 75'));
    expect(log.size).toBe(0);
    expect(await Promise.all(appended)).toEqual([0, 25, 50, 75]);
    await failed;
    await log.settled();
    expect([log.size, log.state, log.root()]).toEqual([100, 'state 75', rootOf(100)]);
    expect(ids(0)).toEqual(upTo(100));
    log.close();
  });

  test('the root is that of the tree over its entries, and every entry has a proof', async () => {
    const log = openAppendLog(dir, 2_000);
    for (let n = 0; n < 60; n += 4) await log.append(leaves(n, 4), '');
    expect(log.root()).toEqual(rootOf(60));
    expect(log.root(37)).toEqual(rootOf(37));
    for (const index of [0, 7, 36])
      expect(rootByInclusion(index, 37, leafHash(bytesOf(index)), inclusionProof(index, 37, log.hashAt))).toEqual(rootOf(37));
    log.close();
  });

  test('what is opened again goes on where the last group ended, with its state', async () => {
    openAppendLog(dir, 1_000).close();
    for (let round = 0; round < 12; round++) {
      const log = openAppendLog(dir, 1_000);
      expect([log.size, log.state, log.broken]).toEqual([round * 5, round === 0 ? '' : `after ${round}`, null]);
      await log.append(leaves(round * 5, 5), `after ${round + 1}`);
      expect(log.root()).toEqual(rootOf(round * 5 + 5));
      log.close();
    }
    expect(ids(0)).toEqual(upTo(60));
  });

  test('a group that a crash cut anywhere was never there; hashes that it left out are made again', async () => {
    const log = openAppendLog(dir);
    await log.append(leaves(0, 7), 'one');
    const [path = ''] = files();
    const before = readFileSync(path).length;
    await log.append(leaves(7, 3), 'two');
    log.close();
    const whole = readFileSync(path);
    for (let end = before; end < whole.length; end += 7) {
      const copy = mkdtempSync(join(tmpdir(), 'gatehouse-log-cut-'));
      cpSync(dir, copy, { recursive: true });
      truncateSync(path.replace(dir, copy), end);
      truncateSync(join(copy, 'record', 'hashes'), 32 + 32 * (end % 9));
      const again = openAppendLog(copy);
      expect([again.size, again.state]).toEqual([7, 'one']);
      await again.append(leaves(7, 4), 'three');
      expect(again.root()).toEqual(rootOf(11));
      again.close();
      expect(ids(0, 100, copy)).toEqual(upTo(11));
      rmSync(copy, { recursive: true });
    }
  });

  test('a file that a crash left without its first group is begun anew', async () => {
    const log = openAppendLog(dir, 100);
    await log.append(leaves(0, 3), 'one');
    await log.append(leaves(3, 3), 'two');
    log.close();
    writeFileSync(join(logDirectory(dir), `${'6'.padStart(16, '0')}.log`), 'GATE');
    const again = openAppendLog(dir, 100);
    expect([again.size, again.state]).toEqual([6, 'two']);
    await again.append(leaves(6, 3), 'three');
    expect(ids(0)).toEqual(upTo(9));
    again.close();
  });

  test('damage in the middle is said with its range, and everything around it is read', async () => {
    const log = openAppendLog(dir);
    for (let n = 0; n < 30; n += 10) await log.append(leaves(n, 10), `${n}`);
    log.close();
    const [path = ''] = files();
    const bytes = readFileSync(path);
    const at = bytes.indexOf('stm_14');
    bytes.write('stm_99', at);
    writeFileSync(path, bytes);
    const reader = openLogFiles(dir);
    expect(reader.read(0, 100).map(({ index }) => index)).toEqual(upTo(14));
    const error = (() => {
      try {
        return reader.read(14, 1);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(LogDamagedError);
    expect(error).toMatchObject({ from: 14, to: 20 });
    expect(reader.read(20, 100).map(({ index }) => index)).toEqual(upTo(30).slice(20));
    reader.close();
    const again = openAppendLog(dir);
    expect(again.broken).toMatchObject({ index: 14 });
    expect(await again.append(leaves(30, 2), 'on')).toBe(30);
    expect(again.root()).toEqual(rootOf(32));
    again.close();
  });

  test('an entry that was replaced with a good checksum is found by its hash', async () => {
    const log = openAppendLog(dir);
    await log.append(leaves(0, 4), '');
    log.close();
    const other = mkdtempSync(join(tmpdir(), 'gatehouse-log-other-'));
    const forged = openAppendLog(other);
    await forged.append(LeafGroup.of([leaf(0, 's0'), leaf(1), leaf(7), leaf(3, 's3')]), '');
    forged.close();
    cpSync(logDirectory(other), logDirectory(dir), { recursive: true });
    rmSync(other, { recursive: true });
    const again = openAppendLog(dir);
    expect(again.broken).toMatchObject({ index: 2 });
    again.close();
  });

  test('erased values are gone from the disk; entry, root and proofs are as before', async () => {
    const log = openAppendLog(dir);
    await log.append(leaves(0, 10), '');
    const root = log.root();
    expect(log.eraseValues(6)).toBe(true);
    expect(log.eraseValues(6)).toBe(false);
    expect(log.eraseValues(7)).toBe(false);
    log.close();
    const [path = ''] = files();
    expect(readFileSync(path).includes('box of s6')).toBe(false);
    expect(readFileSync(path).includes('box of s3')).toBe(true);
    const again = openAppendLog(dir);
    expect([again.broken, again.root()]).toEqual([null, root]);
    expect(again.read(6, 1)[0]).toMatchObject({ index: 6, sealed: null, words: Buffer.alloc(0) });
    again.close();
  });

  test('what is dropped is whole files; proofs still are made', async () => {
    const log = openAppendLog(dir, 1_000);
    for (let n = 0; n < 100; n += 5) await log.append(leaves(n, 5), '');
    log.dropBefore(50);
    expect(log.first).toBeGreaterThan(20);
    expect(log.first).toBeLessThanOrEqual(50);
    expect(() => log.read(3, 1)).toThrow('in the archive');
    expect(rootByInclusion(3, 100, leafHash(bytesOf(3)), inclusionProof(3, 100, log.hashAt))).toEqual(rootOf(100));
    log.close();
    const again = openAppendLog(dir, 1_000);
    expect([again.size, again.root()]).toEqual([100, rootOf(100)]);
    again.close();
  });

  test('a reader of another process sees whole groups alone, as they come', async () => {
    const log = openAppendLog(dir, 600);
    await log.append(leaves(0, 2), '');
    const reader = openLogFiles(dir);
    for (let n = 2; n < 40; n += 2) {
      await log.append(leaves(n, 2), '');
      reader.refresh();
      expect(reader.size).toBe(n + 2);
      expect(reader.read(n, 10).map(({ index }) => index)).toEqual([n, n + 1]);
    }
    appendFileSync(files().at(-1) ?? '', readFileSync(files().at(-1) ?? '').subarray(44, 90));
    reader.refresh();
    expect(reader.size).toBe(40);
    reader.close();
    log.close();
  });

  test('a file of a newer version is refused with words', () => {
    openAppendLog(dir).close();
    const [path = ''] = files();
    const bytes = readFileSync(path);
    bytes.writeUInt32BE(2, 8);
    writeFileSync(path, bytes);
    expect(() => openAppendLog(dir)).toThrow(/newer version of Gatehouse \(format 2/);
    expect(() => openLogFiles(dir)).toThrow(/newer version/);
  });
});

/** Reads on over every damage; fails when it stands still. */
function readOverAll(log: Pick<LogReader, 'first' | 'size' | 'read'>): void {
  for (let next = log.first; next < log.size; ) {
    const step = readOver(log, next);
    expect(step.next).toBeGreaterThan(next);
    next = step.next;
  }
}

test('a log that two have written to is damaged, and whoever opens or reads it comes to an end', async () => {
  const one = openAppendLog(dir);
  await one.append(leaves(0, 5), '');
  const other = openAppendLog(dir);
  for (let n = 5; n < 40; n += 5) {
    await one.append(leaves(n, 5), '');
    await other.append(LeafGroup.of([leaf(n, `long secret ${n}`.repeat(20)), leaf(n + 1)]), '');
  }
  for (const log of [one, other]) {
    readOverAll(log);
    log.close();
  }
  let opened: ReturnType<typeof openAppendLog> | null = null;
  try {
    opened = openAppendLog(dir);
  } catch (error) {
    expect(String(error)).toContain('restore the record from a backup');
  }
  opened?.close();
});

test('behind a damage stands an entry that was read before: reading goes on past it', async () => {
  const log = openAppendLog(dir);
  const [path = ''] = files();
  const ends: number[] = [];
  for (const n of [0, 5, 10, 15]) {
    if (n > 0) await log.append(leaves(n - 5, 5), '');
    ends.push(statSync(path).size);
  }
  log.close();
  const whole = readFileSync(path);
  const group = (n: number) => whole.subarray(ends[n - 1], ends[n]);
  writeFileSync(path, Buffer.concat([whole.subarray(0, ends[1]), Buffer.alloc(group(2).length, 7), group(1), group(3)]));
  const damaged = openLogFiles(dir);
  expect(damaged.size).toBe(15);
  readOverAll(damaged);
  damaged.close();
});
