import type { Leaf, LogReader, LogRecord, RecordEntry } from '../../../proxy/record/leaf';
import { parseCheckpoint, signCheckpoint } from '../../../proxy/tlog/checkpoint';
import { commitmentOf } from '../../../proxy/tlog/commitment';
import { Frontier } from '../../../proxy/tlog/frontier';
import { leafHash, sha256 } from '../../../proxy/tlog/hash';
import { type NoteSigner, noteSigner } from '../../../proxy/tlog/noteKey';
import { storedIndex } from '../../../proxy/tlog/subtrees';
import type { Opened } from './lines';
import type { OpenValues } from './write';

export const START_MS = Date.parse('2026-11-26T08:00:00Z');

type Entry = Record<string, unknown> & { type: RecordEntry['type'] };

/** A log in memory, for tests: appended to as the recorder does, and read as any log is. */
export class SampleLog implements LogReader {
  first = 0;
  readonly signer: NoteSigner;
  readonly notes: string[] = [];
  readonly #records: LogRecord[] = [];
  readonly #hashes: Buffer[] = [];
  readonly #frontier = Frontier.empty();
  readonly #opened = new Map<string, Opened>();
  readonly #seqs = new Map<string, number>();

  constructor(signer: NoteSigner = noteSigner('gatehouse.example/gw_1', Buffer.alloc(32, 7))) {
    this.signer = signer;
  }

  get size(): number {
    return this.#frontier.size;
  }

  get publicKey(): string {
    return this.signer.text;
  }

  checkpoint(): string | null {
    return this.notes.at(-1) ?? null;
  }

  hashAt(level: number, index: number): Buffer {
    const hash = this.#hashes[storedIndex(level, index)];
    if (hash === undefined) throw new Error(`no hash at level ${level}, index ${index}`);
    return hash;
  }

  read(from: number, limit: number): LogRecord[] {
    return this.#records.slice(from, from + limit);
  }

  readonly open: OpenValues = async ({ keyId }) => this.#opened.get(keyId) ?? null;

  erase(index: number): void {
    this.#opened.delete(`key-${index}`);
  }

  append(entry: Entry, options: { journal?: string | null; values?: Record<string, string>; seq?: number } = {}): number {
    const index = this.size;
    const journal = options.journal ?? null;
    const seq = journal === null ? null : (options.seq ?? this.#seqs.get(journal) ?? 0);
    if (journal !== null && seq !== null) this.#seqs.set(journal, seq + 1);
    const leaf: Leaf = { v: 1, node: 'gw_1', journal, seq, entry };
    let sealed: LogRecord['sealed'] = null;
    if (options.values !== undefined) {
      const opened: Record<string, readonly [string, string]> = {};
      const values: Record<string, string> = {};
      for (const [name, value] of Object.entries(options.values)) {
        // Salts that are the same in every run: what a test finds is found again.
        const salt = sha256(Buffer.from(`${index}/${name}`)).subarray(0, 16);
        opened[name] = [salt.toString('base64'), value];
        values[name] = commitmentOf(salt, name, value);
      }
      leaf.values = values;
      sealed = { keyId: `key-${index}`, box: Buffer.alloc(0) };
      this.#opened.set(sealed.keyId, opened);
    }
    const bytes = Buffer.from(JSON.stringify(leaf));
    this.#records.push({ index, bytes, leaf, sealed, words: Buffer.alloc(0) });
    this.#hashes.push(...this.#frontier.append(leafHash(bytes)));
    return index;
  }

  /** The first entry of a recorder's run. */
  begin(): void {
    this.append({ type: 'start', atMs: START_MS, gatewayId: 'gw_1' });
  }

  /** Signs the log, with the checkpoint before it and those of others as its last entry. */
  sign(others: readonly string[] = [], atMs = START_MS): string {
    const before = this.checkpoint();
    const quoted = [...(before === null ? [] : [before]), ...others];
    if (quoted.length > 0) this.append({ type: 'checkpoint', atMs, notes: quoted });
    const note = signCheckpoint({ size: this.size, root: this.#frontier.root() }, this.signer, [`time ${new Date(atMs).toISOString()}`]);
    this.notes.push(note);
    return note;
  }
}

/** Sessions of two workers, a few of each kind of entry, and a checkpoint every so often. Ends with a checkpoint about all of it. */
export function sampleLog(statements = 40, every = 9, log = new SampleLog(), salt = ''): SampleLog {
  const neighbour = noteSigner('gatehouse.example/gw_2', Buffer.alloc(32, 8));
  log.begin();
  for (let n = 0; n < statements; n++) {
    const journal = `worker-${n % 2}`;
    const atMs = START_MS + n * 1_000;
    if (n < 2) log.append({ type: 'sessionOpen', id: `ses_${n}`, atMs, principalName: 'bot', connectionName: 'shop' }, { journal });
    const id = `stm_${n}`;
    log.append(
      { type: 'statement', id, sessionId: `ses_${n % 2}`, principalName: 'bot', atMs, kind: 'SELECT', verdict: 'allow', status: 'running' },
      { journal, values: { sql: `SELECT 'ü', ${n}${salt}`, parameters: JSON.stringify([{ value: String(n) }]) } },
    );
    log.append({ type: 'outcome', id, status: 'done', rows: n, sqlstate: null, durationMs: 1.5 }, { journal });
    if (n % 10 === 9)
      log.append({
        type: 'action',
        id: `act_${n}`,
        atMs,
        actorName: 'ana',
        action: 'rule.update',
        before: null,
        after: { opened: { x: [1] } },
      });
    if (log.size % every === 0) log.sign([signCheckpoint({ size: n, root: sha256(Buffer.from(`other ${n}`)) }, neighbour)], atMs);
  }
  log.sign([], START_MS + statements * 1_000);
  return log;
}

export const newestCheckpoint = (log: SampleLog) => parseCheckpoint(log.notes.at(-1) ?? '');
