import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { diskFiles } from '../journal/files';
import { type Journal, openJournal } from '../journal/write';
import type { PolicySnapshot } from '../policy/types';
import { RecordedOut } from '../session/recordedOut';
import { type Durability, durabilityOf, recordedInOrder } from './durability';

let dir: string;
let journal: Journal;
/** Ends the sync that is under way. */
let syncs: (() => void)[];
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-durability-'));
  syncs = [];
  const sync = (file: number, done: (error: Error | null) => void) => void syncs.push(() => diskFiles.sync(file, done));
  journal = openJournal(dir, 'w1', { files: { ...diskFiles, sync } });
});
afterEach(() => {
  journal.close();
  rmSync(dir, { recursive: true });
});

/** A session's way to the server, and what has left on it. */
function sessionOn(asked: () => Durability) {
  const socket = new PassThrough();
  const out = new RecordedOut(socket);
  const whenRecorded = recordedInOrder(journal, asked);
  return {
    run(text: string) {
      journal.append({ type: 'outcome', id: text, status: 'running' });
      out.bar();
      whenRecorded((error) => (error === null ? out.lift() : out.drop()));
      out.append(Buffer.from(text));
      out.flush();
    },
    left: () => String(socket.read() ?? ''),
  };
}

test('a statement keeps its sync when the policy asks for less before it has it, and what follows waits behind it', async () => {
  let asked: Durability = 'synced';
  const session = sessionOn(() => asked);
  session.run('A');
  await turn();
  asked = 'written';
  session.run('B');
  for (let i = 0; i < 5; i++) await turn();
  expect(session.left()).toBe('');
  for (const sync of syncs.splice(0)) sync();
  await expect.poll(session.left).toBe('A');
  await expect.poll(() => syncs.length).toBe(1);
  for (const sync of syncs.splice(0)) sync();
  await expect.poll(session.left).toBe('B');
  // Nothing is owed any more: from here on it is as the policy says.
  session.run('C');
  await turn();
  expect(session.left()).toBe('C');
  expect(syncs).toEqual([]);
});

test('sessions of other connections do not wait for it', async () => {
  const strict = sessionOn(() => 'synced');
  const other = sessionOn(() => 'written');
  strict.run('A');
  other.run('B');
  await turn();
  expect([strict.left(), other.left()]).toEqual(['', 'B']);
  for (const sync of syncs.splice(0)) sync();
  await expect.poll(strict.left).toBe('A');
});

test.each([
  ['strict', 'group', 'synced'],
  ['group', 'strict', 'written'],
  [undefined, 'strict', 'synced'],
  [undefined, undefined, 'written'],
])('a connection with audit %s under audit %s has its entries %s', (audit, durability, expected) => {
  const policy = { connections: new Map([['shop', { audit }]]), durability } as unknown as PolicySnapshot;
  expect(durabilityOf(policy, 'shop')).toBe(expected);
  expect(durabilityOf(policy, 'removed')).toBe(durability === 'strict' ? 'synced' : 'written');
});
