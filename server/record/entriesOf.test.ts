import { expect, test } from 'vitest';
import { newId } from '../../db/ids';
import type { LogReader } from '../../proxy/record/leaf';
import { SampleLog, START_MS } from '../audit/proof/sampleLog';
import { entriesOf, idMs } from './entriesOf';

const HOUR_MS = 3_600_000;

/** Statements of others, one a second, around one that is held for hours and then runs. */
function heldLog() {
  const log = new SampleLog();
  const held = newId('stm', START_MS + 100_000);
  const own: number[] = [];
  for (let second = 0; second < 4 * 3_600; second += 10) {
    const atMs = START_MS + second * 1_000;
    const id = newId('stm', atMs);
    log.append({ type: 'statement', id, atMs, status: 'running' });
    // Outcomes say no time of their own.
    log.append({ type: 'outcome', id, status: 'done' });
    if (second === 100) own.push(log.append({ type: 'statement', id: held, atMs, status: 'held' }));
    if (second === 10_000) own.push(log.append({ type: 'outcome', id: held, status: 'running' }));
    if (second === 10_010)
      own.push(
        log.append({ type: 'result', id: held, principalName: 'bot', atMs, rows: [] }),
        log.append({ type: 'outcome', id: held, status: 'done' }),
      );
  }
  return { log, held, own };
}

test('the time in an id', () => {
  expect(idMs(newId('stm', START_MS + 123))).toBe(START_MS + 123);
});

test('all entries of a statement are found, hours apart', async () => {
  const { log, held, own } = heldLog();
  expect(own).toHaveLength(4);
  expect(await entriesOf(log, log.size, held)).toEqual(own);
  // Those that a checkpoint speaks of, and no more.
  expect(await entriesOf(log, (own[1] ?? 0) + 1, held)).toEqual(own.slice(0, 2));
});

test('what is not there is not looked for in all of the log', async () => {
  const { log } = heldLog();
  let read = 0;
  const counting: LogReader = {
    first: 0,
    size: log.size,
    publicKey: log.publicKey,
    checkpoint: () => null,
    hashAt: (level, index) => log.hashAt(level, index),
    read(from, limit) {
      read += limit;
      return log.read(from, limit);
    },
  };
  expect(await entriesOf(counting, log.size, newId('stm', START_MS + 200_000))).toEqual([]);
  expect(read).toBeLessThan(log.size);
  expect(await entriesOf(log, log.size, newId('stm', START_MS + 9 * HOUR_MS))).toEqual([]);
});
