import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JournalEntry, OutcomeEntry, SignInFailedEntry } from './entries';
import { diskFiles, type JournalFiles } from './files';
import { JOURNAL_START, type JournalDamage, readJournal } from './read';
import { type Journal, openJournal } from './write';

const MIB = 1024 * 1024;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const outcome = (id: string): OutcomeEntry => ({ type: 'outcome', id, status: 'done' });
/** Something that is to happen only when it is recorded: written without a shared part, its size is what `text` makes it. */
const intent = (id: string, text = ''): JournalEntry =>
  ({
    type: 'statement',
    id,
    sql: text,
    parameters: [],
    transactionStatus: 'I',
    protocol: 'simple',
    status: 'running',
    atMs: 0,
    analysisMs: 0,
    policyVersion: 0,
  }) as unknown as JournalEntry;
const failedSignIn = (reason: string): SignInFailedEntry => ({
  type: 'signInFailed',
  atMs: 0,
  principalName: 'p',
  connectionName: 'c',
  clientAddress: 'a',
  sqlstate: '28P01',
  reason,
});

/** The real file system with a disk of a size, calls on record, and failures to order. */
class Disk implements JournalFiles {
  roomBytes = Number.POSITIVE_INFINITY;
  readonly calls: string[] = [];
  /** The next write that is not room ahead, or the next sync, fails with this. */
  failWrite: string | null = null;
  failSync: string | null = null;
  /** Of the write that fails, what still gets through. */
  failAfterBytes = 0;
  /** Ends the sync that is under way. */
  syncs: (() => void)[] = [];
  readonly #sizes = new Map<number, number>();
  #used = 0;

  makeDirectory = diskFiles.makeDirectory;
  syncDirectory = diskFiles.syncDirectory;

  create(path: string): number {
    const file = diskFiles.create(path);
    this.#sizes.set(file, 0);
    return file;
  }

  write(file: number, bytes: Uint8Array, length: number, position: number): number {
    const size = this.#sizes.get(file) ?? 0;
    const isRoom = length > 0 && bytes[0] === 0;
    if (!isRoom && position > 0 && this.failWrite !== null) {
      if (this.failAfterBytes > 0) {
        const count = diskFiles.write(file, bytes, Math.min(length, this.failAfterBytes), position);
        this.failAfterBytes = 0;
        return count;
      }
      const code = this.failWrite;
      this.failWrite = null;
      throw Object.assign(new Error(code), { code });
    }
    const grows = Math.max(0, position + length - size);
    const fits = Math.min(length, length - grows + Math.max(0, this.roomBytes - this.#used));
    if (fits <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const count = diskFiles.write(file, bytes, fits, position);
    this.#used += Math.max(0, position + count - size);
    this.#sizes.set(file, Math.max(size, position + count));
    if (!isRoom && position > 0) this.calls.push('write');
    return count;
  }

  truncate(file: number, sizeBytes: number): void {
    diskFiles.truncate(file, sizeBytes);
    this.#used -= (this.#sizes.get(file) ?? 0) - sizeBytes;
    this.#sizes.set(file, sizeBytes);
  }

  sync(_file: number, done: (error: Error | null) => void): void {
    this.calls.push('sync');
    const code = this.failSync;
    this.failSync = null;
    this.syncs.push(() => {
      this.calls.push('synced');
      done(code === null ? null : Object.assign(new Error(code), { code }));
    });
  }

  syncNow(): void {
    this.calls.push('syncNow');
  }

  close = diskFiles.close;

  remove(path: string): void {
    diskFiles.remove(path);
  }
}

let dir: string;
let disk: Disk;
let errors: string[];
let journal: Journal;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-journal-'));
  disk = new Disk();
  errors = [];
});
afterEach(() => {
  journal.close();
  rmSync(dir, { recursive: true });
});

const open = (segmentBytes?: number) => {
  journal = openJournal(dir, 'w', {
    files: disk,
    onError: (error) => errors.push(error.message),
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  });
};

function readAll(): { ids: string[]; seqs: number[]; damage: JournalDamage[] } {
  const all = { ids: [] as string[], seqs: [] as number[], damage: [] as JournalDamage[] };
  for (let position = JOURNAL_START; ; ) {
    const { entries, next, damage, ended } = readJournal(join(dir, 'journal', 'w'), position, MIB);
    all.ids.push(...entries.map(({ entry }) => ('id' in entry ? entry.id : entry.type)));
    all.seqs.push(...entries.map(({ seq }) => seq));
    all.damage.push(...damage);
    if (ended || (next.segment === position.segment && next.offset === position.offset)) return all;
    position = next;
  }
}

const settle = (how: 'written' | 'synced', name: string) =>
  journal.whenWritten(how, (error) => disk.calls.push(error === null ? name : `${name} ${error.message}`));

test('a segment is over after a while, and nothing is begun where nothing was written', async () => {
  journal = openJournal(dir, 'w', { files: disk, segmentMs: 30 });
  const files = () => readdirSync(join(dir, 'journal', 'w')).length;
  journal.append(intent('a'));
  await vi.waitFor(() => expect(files()).toBe(2));
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(files()).toBe(2);
  journal.append(outcome('a'));
  await vi.waitFor(() => expect(files()).toBe(3));
  journal.close();
  expect(readAll()).toMatchObject({ ids: ['a', 'a'], seqs: [0, 1], damage: [] });
});

describe('a turn of the event loop', () => {
  test('is one write, behind which everybody may go on in order', async () => {
    open();
    journal.append(intent('a'));
    settle('written', 'A');
    journal.append(outcome('b'));
    journal.append(intent('c'));
    settle('written', 'C');
    expect(disk.calls).toEqual([]);
    await turn();
    expect(disk.calls).toEqual(['write', 'A', 'C']);
    settle('written', 'nothing new');
    await turn();
    expect(disk.calls.slice(3)).toEqual(['nothing new']);
    expect(readAll().ids).toEqual(['a', 'b', 'c']);
  });

  test('that gathers more than a megabyte is written before it is over, and waited for all the same', async () => {
    open();
    for (let i = 0; i < 5; i++) journal.append(intent(`s${i}`, 'x'.repeat(400_000)));
    settle('written', 'done');
    expect(disk.calls).toEqual(['write']);
    await turn();
    expect(disk.calls).toEqual(['write', 'write', 'done']);
    expect(readAll().ids).toHaveLength(5);
  });
});

describe('strict', () => {
  test('nobody goes on before the sync that covers their entry; others do; the next group gathers meanwhile', async () => {
    open();
    journal.append(intent('a'));
    settle('synced', 'A');
    journal.append(intent('b'));
    settle('written', 'B');
    await turn();
    expect(disk.calls).toEqual(['write', 'B', 'sync']);
    journal.append(intent('c'));
    settle('synced', 'C');
    journal.append(intent('d'));
    settle('synced', 'D');
    await turn();
    // The sync on its way began before they were written.
    expect(disk.calls.slice(3)).toEqual(['write']);
    disk.syncs.shift()?.();
    expect(disk.calls.slice(4)).toEqual(['synced', 'A', 'sync']);
    disk.syncs.shift()?.();
    expect(disk.calls.slice(7)).toEqual(['synced', 'C', 'D']);
  });

  test('a turn that goes on in another segment has both synced', async () => {
    open(300);
    journal.append(intent('a', 'x'.repeat(500)));
    settle('synced', 'A');
    journal.append(intent('b'));
    settle('synced', 'B');
    await turn();
    expect(disk.calls.filter((call) => call !== 'write')).toEqual(['syncNow', 'sync']);
    disk.syncs.shift()?.();
    expect(disk.calls.slice(-2)).toEqual(['A', 'B']);
  });

  test('what could not be synced does not happen, and nothing more is trusted to that file', async () => {
    open();
    journal.append(intent('a'));
    settle('synced', 'A');
    disk.failSync = 'EIO';
    await turn();
    disk.syncs.shift()?.();
    expect(disk.calls.at(-1)).toBe('A EIO');
    journal.append(intent('b'));
    settle('synced', 'B');
    await turn();
    disk.syncs.shift()?.();
    expect(disk.calls.at(-1)).toBe('B');
    expect(readAll()).toMatchObject({ ids: ['a', 'b'], seqs: [0, 1], damage: [] });
  });
});

describe('a full disk', () => {
  test('refuses statements before anything of theirs is written, keeps room for outcomes, and recovers', async () => {
    disk.roomBytes = 3 * MIB;
    open();
    let taken = 0;
    const fill = async () => {
      for (; ; taken++) {
        journal.append(intent(`s${taken}`, 'x'.repeat(2_000)));
        if (taken % 50 === 0) await turn();
      }
    };
    await expect(fill()).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(taken).toBeGreaterThan(1_000);
    expect(() => journal.append(intent('no', 'x'.repeat(2_000)))).toThrow();
    // What runs gets its end.
    for (let i = 0; i < 1_000; i++) journal.append(outcome(`s${i}`));
    settle('written', 'written');
    await turn();
    expect(disk.calls.at(-1)).toBe('written');
    disk.roomBytes = 6 * MIB;
    journal.append(intent('again'));
    journal.append(outcome('again'));
    await turn();
    const { ids, seqs, damage } = readAll();
    expect(ids.slice(-2)).toEqual(['again', 'again']);
    expect(seqs).toEqual(ids.map((_, i) => i));
    expect(damage).toEqual([]);
    expect(ids).not.toContain('no');
  });

  test('that has no room for another segment goes on in the one it has', async () => {
    disk.roomBytes = 1.5 * MIB;
    open(100_000);
    const taken: string[] = [];
    const fill = () => {
      for (let i = 0; ; i++) {
        journal.append(intent(`s${i}`, 'x'.repeat(10_000)));
        taken.push(`s${i}`);
      }
    };
    expect(fill).toThrow();
    await turn();
    expect(taken.length).toBeGreaterThan(50);
    expect(readAll()).toMatchObject({ ids: taken, damage: [] });
    disk.roomBytes = 9 * MIB;
    journal.append(intent('again'));
    await turn();
    expect(readAll().ids.at(-1)).toBe('again');
  });
});

describe('a write that fails', () => {
  test.each([0, 1, 30, 200])(
    'stops all of its turn and nothing else, is said to the reader, and the journal goes on (%i bytes got through)',
    async (bytes) => {
      open();
      journal.append(intent('before'));
      settle('written', 'before');
      await turn();
      disk.failWrite = 'EIO';
      disk.failAfterBytes = bytes;
      journal.append(intent('lost'));
      settle('written', 'lost');
      journal.append(outcome('before'));
      journal.append(intent('lost too'));
      settle('synced', 'lost too');
      await turn();
      expect(disk.calls.slice(2).filter((call) => call !== 'write')).toEqual(['lost EIO', 'lost too EIO']);
      expect(errors).toEqual(['EIO']);
      journal.append(intent('after'));
      settle('written', 'after');
      await turn();
      expect(disk.calls.at(-1)).toBe('after');
      journal.append(failedSignIn('x'));
      await turn();
      const { ids, seqs, damage } = readAll();
      // An outcome is of what has happened: it is said again. What of the group is there all the same was never forwarded.
      expect(ids.filter((id) => !id.startsWith('lost'))).toEqual([
        'before',
        'before',
        ...(ids.includes('lost too') ? ['before'] : []),
        'after',
        'signInFailed',
      ]);
      expect(new Set(seqs).size).toBe(seqs.length);
      expect(seqs.slice(-3)).toEqual([4, 5, 6]);
      if (bytes < 50)
        expect(damage.at(-1)).toMatchObject({
          segment: 1,
          why: 'entries 1 to 3 could not be written (EIO); nothing of them was forwarded',
        });
    },
  );

  test('again and again, with no room for another segment in between', async () => {
    open();
    journal.append(intent('a'));
    await turn();
    disk.failWrite = 'EIO';
    disk.roomBytes = 0;
    journal.append(intent('b'));
    settle('written', 'b');
    await turn();
    expect(disk.calls.at(-1)).toBe('b EIO');
    expect(() => journal.append(intent('c'))).toThrow('no space');
    expect(() => journal.append(outcome('d'))).toThrow('no space');
    disk.roomBytes = 5 * MIB;
    disk.failWrite = 'EIO';
    journal.append(intent('e'));
    settle('written', 'e');
    await turn();
    expect(disk.calls.at(-1)).toBe('e EIO');
    journal.append(intent('f'));
    await turn();
    expect(readAll()).toMatchObject({
      ids: ['a', 'f'],
      damage: [{ why: 'entries 1 to 2 could not be written (EIO); nothing of them was forwarded' }],
    });
  });
});
