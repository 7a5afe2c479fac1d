import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cutTornTail } from '../journal/cut';
import type { JournalEntry, ResultEntry, StatementEntry } from '../journal/entries';
import { journalDirectory } from '../journal/places';
import { JOURNAL_START, type JournalPosition, type JournalRead, JournalVersionError, KeptDefinitions, readJournal } from '../journal/read';
import { dayOf } from '../ship/days';
import { isEarlierJournal, readEarlierJournal } from './earlierJournal';
import { LeafGroup, type NewLeaf } from './group';
import type { RecordEntry } from './leaf';
import { sealEntry } from './seal';
import type { Ledger } from './state';
import type { ValueKey } from './valueBox';
import type { Keyring } from './valueKeys';

export interface SequencerOptions {
  ledger: Ledger;
  dataDir: string;
  node: string;
  keyring: Keyring;
  wordKey: Buffer;
  random(sizeBytes: number): Buffer;
  now(): number;
  /** Nothing writes to this journal any more. */
  isDead(journal: string): boolean;
}

/** About this much of the journals becomes one group: the loop is never away from its other work for long. */
const ROUND_BYTES = 1024 * 1024;
/** Of it so much is read at once: what was made of it is garbage while it is still young, and most of it never leaves the cache. */
const PIECE_BYTES = 128 * 1024;

/**
 * Takes entries out of the journals and into the log, each exactly once: the position in a journal stands in the log with what was read up
 * to it. Segments are deleted when what was in them is on disk in the log.
 */
export class Sequencer {
  readonly #options: SequencerOptions;
  readonly #root: string;
  /** Journals of a newer version, with words for the operator. They are left as they are. */
  readonly refused = new Map<string, string>();
  /** Journals whose torn tail is cut. */
  readonly #cut = new Set<string>();
  /** Journals that had nothing new when they were last looked at. */
  readonly #quiet = new Set<string>();
  /** Of each journal, between two looks at it. */
  readonly #kept = new Map<string, KeptDefinitions>();
  #turn = 0;
  /** What is taken of one journal; its room is used over and over. */
  readonly #group = new LeafGroup();

  constructor(options: SequencerOptions) {
    this.#options = options;
    this.#root = journalDirectory(options.dataDir);
  }

  /** Takes what is there, up to a bound; the number of entries. @throws Error when log or store did not take it: nothing is lost, ask again */
  async round(): Promise<number> {
    const names = this.#journals();
    await this.#dropGone(names);
    let left = ROUND_BYTES;
    let taken = 0;
    // Another one is first each time, so that a busy journal cannot starve the others.
    this.#turn++;
    for (let at = 0; at < names.length && left > 0; at++) {
      const count = await this.#take(names[(at + this.#turn) % names.length] ?? '', left);
      taken += count;
      left -= count * 500;
    }
    return taken;
  }

  /** Bytes of journals that are not in the log yet. */
  lagBytes(): number {
    let lag = 0;
    for (const name of this.#journals()) {
      // Of a journal that has nothing new the rest is room that its worker has made ahead.
      if (this.#quiet.has(name)) continue;
      const position = this.#positionOf(name);
      for (const file of readdirSync(join(this.#root, name))) {
        const segment = Number.parseInt(file, 10);
        if (segment < position.segment) continue;
        const size = statSync(join(this.#root, name, file), { throwIfNoEntry: false })?.size ?? 0;
        lag += segment === position.segment ? Math.max(0, size - position.offset) : size;
      }
    }
    return lag;
  }

  #journals(): string[] {
    return existsSync(this.#root) ? readdirSync(this.#root).sort() : [];
  }

  #positionOf(name: string): JournalPosition {
    return this.#options.ledger.state.journals[name] ?? JOURNAL_START;
  }

  /** Null where a newer version wrote it. */
  #read(name: string, position: JournalPosition, limitBytes: number): JournalRead | null {
    const directory = join(this.#root, name);
    try {
      const isDead = this.#options.isDead(name);
      const earlier = isEarlierJournal(directory);
      if (isDead && !earlier && !this.#cut.has(name)) {
        cutTornTail(directory);
        this.#cut.add(name);
      }
      const read = earlier
        ? readEarlierJournal(directory, position, limitBytes)
        : readJournal(directory, position, limitBytes, this.#keptOf(name));
      // Its own version writes on, so what ends here may go on.
      if (earlier && !isDead) read.ended = false;
      this.refused.delete(name);
      return read;
    } catch (error) {
      if (!(error instanceof JournalVersionError)) throw error;
      this.refused.set(name, error.message);
      return null;
    }
  }

  #keptOf(name: string): KeptDefinitions {
    let kept = this.#kept.get(name);
    if (kept === undefined) {
      kept = new KeptDefinitions();
      this.#kept.set(name, kept);
    }
    return kept;
  }

  /** Takes what is new in a journal, about `limitBytes` of it, as one group; the number of entries. */
  async #take(name: string, limitBytes: number): Promise<number> {
    const { ledger } = this.#options;
    const before = this.#positionOf(name);
    const group = this.#group;
    group.clear();
    let [position, ended] = [before, false];
    for (let left = limitBytes; left > 0 && !ended; left -= PIECE_BYTES) {
      const size = Math.min(left, PIECE_BYTES);
      const read = this.#read(name, position, size);
      if (read === null) break;
      await this.#add(group, name, read, position.seq);
      const isAll = read.next.segment === position.segment && read.next.offset < position.offset + size;
      ({ next: position, ended } = read);
      if (isAll) break;
    }
    // A newer version wrote it, and nothing was read.
    if (position === before) return 0;
    const moved = position.segment !== before.segment || position.offset !== before.offset;
    if (moved) this.#quiet.delete(name);
    else this.#quiet.add(name);
    if (moved || group.count > 0) await ledger.append(group, ({ journals }) => ({ journals: { ...journals, [name]: position } }));
    const directory = join(this.#root, name);
    for (const file of readdirSync(directory))
      if (Number.parseInt(file, 10) < position.segment) rmSync(join(directory, file), { force: true });
    if (ended) rmSync(directory, { recursive: true, force: true });
    return group.count;
  }

  /** Forgets the position of a journal that is gone. In this order, so that one that is still there is never read from its start again. */
  async #dropGone(names: readonly string[]): Promise<void> {
    const { ledger } = this.#options;
    const known = Object.entries(ledger.state.journals);
    const left = known.filter(([name]) => names.includes(name));
    for (const set of [this.#cut, this.#quiet, this.#kept]) for (const name of set.keys()) if (!names.includes(name)) set.delete(name);
    if (left.length < known.length) await ledger.note(() => ({ journals: Object.fromEntries(left) }));
  }

  /** Adds what was read to a group. What is missing stands in the log before the entry that follows it. */
  async #add(group: LeafGroup, name: string, { entries, damage }: JournalRead, expected: number | null): Promise<void> {
    const said = damage.map((one): RecordEntry => ({ type: 'damage', atMs: this.#options.now(), journal: name, ...one }));
    const say = (count: number) => {
      for (const entry of said.splice(0, count)) group.add(this.#seal(name, null, entry, null));
    };
    let gaps = 0;
    for (let at = 0, next = expected; at < entries.length; at++) {
      const seq = entries[at]?.seq ?? 0;
      if (next !== null && seq > next) gaps++;
      next = seq + 1;
    }
    say(Math.max(0, said.length - gaps));
    let next = expected;
    const owners = await this.#ownersOf(entries);
    for (const [at, { seq, entry }] of entries.entries()) {
      if (next !== null && seq > next) say(1);
      next = seq + 1;
      group.add(this.#seal(name, seq, entry, owners[at]?.key ?? null));
    }
    say(said.length);
  }

  /** Of each entry, whose values it holds and the key for them; null where it holds none. All keys are asked for at once. */
  async #ownersOf(entries: JournalRead['entries']): Promise<readonly (Owner | null)[]> {
    const { keyring, now } = this.#options;
    // Of this read alone: it is over long before a key would be forgotten.
    const known = new Map<string, Owner[]>();
    const owners = entries.map(({ entry }) => (entry.type === 'statement' || entry.type === 'result' ? ownerOf(known, entry, now) : null));
    const asked = [...known.values()].flat();
    const keys = await Promise.all(asked.map(({ principal, day }) => keyring.keyFor(principal, dayOf(day * DAY_MS))));
    for (const [at, owner] of asked.entries()) owner.key = keys[at] ?? null;
    return owners;
  }

  #seal(name: string, seq: number | null, entry: RecordEntry, valueKey: ValueKey | null): NewLeaf {
    const { node, wordKey, random } = this.#options;
    return sealEntry(entry, { node, journal: { name, seq }, valueKey, wordKey, random });
  }
}

/** A clock can say anything; a day that is none would lose the entry. */
function entryMs(entry: JournalEntry): number | null {
  const { atMs } = entry;
  return atMs !== undefined && Number.isFinite(atMs) && Math.abs(atMs) < 8.64e15 ? atMs : null;
}

/** Whose values entries hold, of one day. */
interface Owner {
  principal: string;
  /** Days since 1970. */
  day: number;
  key: ValueKey | null;
}

const DAY_MS = 86_400_000;

function ownerOf(known: Map<string, Owner[]>, entry: StatementEntry | ResultEntry, now: () => number): Owner {
  const { principalName: principal } = entry;
  const day = Math.floor((entryMs(entry) ?? now()) / DAY_MS);
  const ofPrincipal = known.get(principal) ?? [];
  let owner = ofPrincipal.find((one) => one.day === day);
  if (owner !== undefined) return owner;
  owner = { principal, day, key: null };
  if (ofPrincipal.push(owner) === 1) known.set(principal, ofPrincipal);
  return owner;
}
