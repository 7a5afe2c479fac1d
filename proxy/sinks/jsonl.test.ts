import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createJsonLines } from './jsonl';
import { growingLog, outcomeEntry } from './testing';

const signal = new AbortController().signal;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-sinks-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const lines = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { index?: number; gap?: unknown });
const recordsOf = (count: number) => growingLog().grow(Array.from({ length: count }, (_, n) => outcomeEntry(`stm_${n}`)));

test('a line an entry, with the bytes that are hashed', async () => {
  const path = join(dir, 'a.jsonl');
  const sink = createJsonLines(path);
  const records = recordsOf(3);
  await sink.send(records, null, signal);
  await sink.close();
  expect(readFileSync(path, 'utf8')).toBe(records.map(({ index, bytes }) => `{"index":${index},"leaf":${bytes.toString()}}\n`).join(''));
});

test.each([
  ['half a line', '{"index":2,"le'],
  ['half a long line', `{"index":2,"leaf":"${'x'.repeat(700_000)}`],
])('%s that a crash left is cut, and nothing is written twice', async (_, torn) => {
  const path = join(dir, 'a.jsonl');
  const records = recordsOf(5);
  const before = createJsonLines(path);
  await before.send(records.slice(0, 2), null, signal);
  await before.close();
  appendFileSync(path, torn);
  const after = createJsonLines(path);
  await after.send(records, null, signal);
  await after.close();
  expect(lines(path).map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
});

test('a file that was renamed is opened anew; a gap is said in its place', async () => {
  const path = join(dir, 'a.jsonl');
  const sink = createJsonLines(path);
  const records = recordsOf(6);
  await sink.send(records.slice(0, 2), null, signal);
  renameSync(path, `${path}.1`);
  await sink.send(records.slice(4), { from: 2, to: 4 }, signal);
  await sink.close();
  expect(lines(`${path}.1`)).toHaveLength(2);
  expect(lines(path)).toMatchObject([{ gap: { from: 2, to: 4 } }, { index: 4 }, { index: 5 }]);
});

test('a place that cannot be written is an error without the path', async () => {
  writeFileSync(join(dir, 'file'), '');
  const sink = createJsonLines(join(dir, 'file', 'below.jsonl'));
  await expect(sink.send(recordsOf(1), null, signal)).rejects.toThrow('the file cannot be written (ENOTDIR)');
});
