import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeEntry, encodeEntry, type OutcomeEntry } from './entries';
import { openJournal } from './write';

const outcome = (id: string): OutcomeEntry => ({ type: 'outcome', id, status: 'done', rows: 1 });

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-journal-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function readAll(name: string): string[] {
  const folder = join(dir, 'journal', name);
  return readdirSync(folder)
    .sort()
    .flatMap((file) => {
      const ids: string[] = [];
      let bytes = readFileSync(join(folder, file));
      for (let decoded = decodeEntry(bytes); decoded.kind === 'entry'; decoded = decodeEntry(bytes)) {
        ids.push(decoded.entry.id);
        bytes = bytes.subarray(decoded.sizeBytes);
      }
      return ids;
    });
}

describe('journal', () => {
  test('what was appended is on disk when append returns, in order, over segments', () => {
    const journal = openJournal(dir, 'w1', 200);
    const ids = Array.from({ length: 20 }, (_, i) => `stm_${i}`);
    for (const id of ids) journal.append(outcome(id));
    expect(readAll('w1')).toEqual(ids);
    expect(readdirSync(join(dir, 'journal', 'w1')).length).toBeGreaterThan(1);
    journal.close();
  });

  test('a torn tail ends the reading without an error, at every length', () => {
    const bytes = encodeEntry(outcome('stm_a'));
    for (let size = 0; size < bytes.length; size++) expect(decodeEntry(bytes.subarray(0, size)).kind).toBe('torn');
    expect(decodeEntry(bytes).kind).toBe('entry');
  });

  test('a flipped bit is found', () => {
    const bytes = encodeEntry(outcome('stm_a'));
    for (let at = 4; at < bytes.length; at++) {
      const bad = Buffer.from(bytes);
      bad[at] = (bad[at] ?? 0) ^ 1;
      expect(decodeEntry(bad).kind).toBe('corrupt');
    }
  });

  test('a second journal of the same name is refused: two writers would tear each other', () => {
    const journal = openJournal(dir, 'w1');
    expect(() => openJournal(dir, 'w1')).toThrow('EEXIST');
    journal.close();
  });

  test('a closed journal refuses, so that nothing runs unrecorded', () => {
    const journal = openJournal(dir, 'w2');
    journal.close();
    expect(() => journal.append(outcome('stm_x'))).toThrow();
  });

  test('cut in the middle, the entries before the cut are still read', () => {
    const journal = openJournal(dir, 'w3');
    journal.append(outcome('stm_1'));
    journal.append(outcome('stm_2'));
    journal.close();
    const file = join(dir, 'journal', 'w3', '00000000.log');
    truncateSync(file, readFileSync(file).length - 3);
    expect(readAll('w3')).toEqual(['stm_1']);
    appendFileSync(file, Buffer.alloc(3));
    expect(readAll('w3')).toEqual(['stm_1']);
  });
});
