import { desc, eq, ne, sql } from 'drizzle-orm';
import { checkpoints } from '../../db/schema/record';
import type { Store } from '../../db/store';
import { parseCheckpoint, signCheckpoint } from '../tlog/checkpoint';
import { withSignatures } from '../tlog/note';
import type { NoteSigner } from '../tlog/noteKey';
import { keepNote, newestNote, readNotes } from './checkpointFile';
import { LeafGroup } from './group';
import type { SealOptions } from './seal';
import { sealEntry } from './seal';
import type { Ledger } from './state';

export interface CheckpointOptions {
  store: Store;
  ledger: Ledger;
  dataDir: string;
  node: string;
  signer: NoteSigner;
  wordKey: Buffer;
  random: SealOptions['random'];
  now(): number;
}

export interface LastCheckpoint {
  size: number;
  root: string;
  note: string;
  atMs: number;
}

/** The store has another checkpoint of this log than the log has: one of them is not what it was. */
export class ForkError extends Error {}

/**
 * Signs the log as it grows. Each checkpoint covers an entry that quotes the one before it and the newest of every other gateway, so that
 * none of the logs can be rebuilt without all the others, and what was published of them.
 */
export class Checkpointer {
  readonly #options: CheckpointOptions;
  #last: LastCheckpoint | null;
  /** Not in the store yet. */
  #owed: LastCheckpoint[] = [];
  #others: { node: string; size: number; note: string }[] = [];

  constructor(options: CheckpointOptions) {
    this.#options = options;
    const { dataDir, ledger, now } = options;
    const note = newestNote(readNotes(dataDir), ledger.log.size);
    this.#last = note === null ? null : lastOf(note, now());
    // A crash may have come between the note on disk and the store.
    if (this.#last !== null) this.#owed.push(this.#last);
  }

  get last(): LastCheckpoint | null {
    return this.#last;
  }

  note(): string | null {
    return this.#last?.note ?? null;
  }

  /** Whether the log still has the entries that its last checkpoint was signed over. */
  holds(): boolean {
    const { log } = this.#options.ledger;
    return this.#last === null || (this.#last.size <= log.size && log.root(this.#last.size).toString('base64') === this.#last.root);
  }

  /** Signs if there is anything new; the signed note, or null. @throws Error when the log did not take the entry */
  async sign(): Promise<string | null> {
    const { ledger, dataDir, signer, now } = this.#options;
    if (ledger.log.size === 0 || ledger.log.size === this.#last?.size) return null;
    const others = this.#others.filter(({ node, size }) => size > (ledger.state.quoted[node] ?? -1));
    const notes = [...(this.#last === null ? [] : [this.#last.note]), ...others.map(({ note }) => note)];
    if (notes.length > 0) {
      const quoted = Object.fromEntries(others.map(({ node, size }) => [node, size]));
      await ledger.append(LeafGroup.of([this.#leaf(notes)]), (state) => ({ quoted: { ...state.quoted, ...quoted } }));
    }
    const root = ledger.log.root();
    const atMs = now();
    // The time is said, not proved: witnesses prove it.
    const note = signCheckpoint({ size: ledger.log.size, root }, signer, [`time ${new Date(atMs).toISOString()}`]);
    keepNote(dataDir, note);
    this.#last = { size: ledger.log.size, root: root.toString('base64'), note, atMs };
    this.#owed.push(this.#last);
    return note;
  }

  /** A witness signed a checkpoint: its lines go with the note from now on. */
  cosign(size: number, lines: readonly string[]): void {
    if (this.#last?.size !== size) return;
    const note = withSignatures(this.#last.note, lines);
    if (note === this.#last.note) return;
    keepNote(this.#options.dataDir, note);
    this.#last = { ...this.#last, note };
    this.#owed.push(this.#last);
  }

  /** Brings what was signed into the store. @throws Error when it does not answer */
  async push(): Promise<void> {
    const { store, node } = this.#options;
    while (this.#owed.length > 0) {
      // Of two about as many entries the later one has more signatures.
      const batch = [...new Map(this.#owed.slice(0, 100).map((one) => [one.size, one])).values()];
      const rows = batch.map(({ size, root, note, atMs }) => ({ node, size, root, note, at: new Date(atMs) }));
      await store
        .insert(checkpoints)
        .values(rows)
        .onConflictDoUpdate({
          target: [checkpoints.node, checkpoints.size],
          set: { note: sql`excluded.note` },
          setWhere: sql`${checkpoints.root} = excluded.root`,
        });
      this.#owed = this.#owed.slice(100);
    }
  }

  /** Hears of the other gateways' logs. @throws Error when the store does not answer */
  async pull(): Promise<void> {
    const { store, node } = this.#options;
    this.#others = await store
      .selectDistinctOn([checkpoints.node], { node: checkpoints.node, size: checkpoints.size, note: checkpoints.note })
      .from(checkpoints)
      .where(ne(checkpoints.node, node))
      .orderBy(checkpoints.node, desc(checkpoints.size));
  }

  #leaf(notes: readonly string[]) {
    const { node, wordKey, random, now } = this.#options;
    return sealEntry({ type: 'checkpoint', atMs: now(), notes }, { node, journal: null, valueKey: null, wordKey, random });
  }
}

/** @throws Error when it is no checkpoint */
function lastOf(note: string, nowMs: number): LastCheckpoint {
  const { size, root, extensions } = parseCheckpoint(note);
  const said = extensions.find((line) => line.startsWith('time '))?.slice('time '.length);
  const atMs = said === undefined ? Number.NaN : Date.parse(said);
  return { size, root: root.toString('base64'), note, atMs: Number.isNaN(atMs) ? nowMs : atMs };
}

/**
 * Compares the log with what the store was given of it. A log that is shorter, or another, was restored from a backup or rebuilt; the store
 * may well be behind.
 * @throws ForkError with what to do
 */
export async function compareWithStore(store: Store, node: string, log: { size: number; root(size?: number): Buffer }): Promise<void> {
  const [newest] = await store.select().from(checkpoints).where(eq(checkpoints.node, node)).orderBy(desc(checkpoints.size)).limit(1);
  if (newest === undefined) return;
  if (newest.size > log.size)
    throw new ForkError(
      `the record of node ${node} ends after ${log.size} entries, and a checkpoint over ${newest.size} was signed: it was lost, or restored from an older backup. Restore the newest <data directory>/record, or begin a new record under another name: move the folder away (keep it) and set GATEHOUSE_NODE to a name that was never used`,
    );
  if (log.root(newest.size).toString('base64') !== newest.root)
    throw new ForkError(
      `the record of node ${node} is not the one whose checkpoints are in the store: its first ${newest.size} entries are others. Another data directory, or a store restored from elsewhere, is in use; give this gateway its own store or data directory back, or begin a new record under another GATEHOUSE_NODE`,
    );
}

/** Removes old checkpoints of the store but one an hour: the log itself quotes every one of them. */
export async function thinCheckpoints(store: Store, node: string): Promise<void> {
  await store.execute(sql`
    delete from checkpoints c where node = ${node} and at < now() - interval '2 days' and exists (
      select 1 from checkpoints later where later.node = c.node and later.size > c.size and date_trunc('hour', later.at) = date_trunc('hour', c.at))`);
}
