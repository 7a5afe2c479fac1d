import type { JournalEntry } from '../journal/entries';

/** What somebody did in the console or by the CLI, as the store's `actions` has it. */
export interface ActionEntry {
  type: 'action';
  id: string;
  atMs: number;
  actorId: string | null;
  actorName: string;
  via: string;
  action: string;
  subject: string;
  before: unknown;
  after: unknown;
}

/** The newest checkpoint of this log and of every other the store knows, so that none of them can be rebuilt alone. */
export interface CheckpointEntry {
  type: 'checkpoint';
  atMs: number;
  /** Signed notes, this gateway's first. */
  notes: readonly string[];
}

/** Bytes of a journal that could not be read: everything around them is there. */
export interface DamageEntry {
  type: 'damage';
  atMs: number;
  /** Of the worker whose segment it is. */
  journal: string;
  segment: number;
  fromByte: number;
  toByte: number;
  why: string;
}

/** The recorder began with this log: the first entry of a run, with the version it writes and the node it is. */
export interface StartEntry {
  type: 'start';
  atMs: number;
  gatewayId: string;
}

export type RecordEntry = JournalEntry | ActionEntry | CheckpointEntry | DamageEntry | StartEntry;

/**
 * Fields of an entry as the log has it. It was written by a recorder of this version or another: what is missing or of another type reads
 * as nothing, and never stops what follows it.
 */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * One leaf of the log. Its canonical JSON (keys in this order, no white space) is what is hashed. Values a client sent are not in it: in
 * their places stand commitments, so that a value can be erased and every proof still holds.
 */
export interface Leaf {
  v: 1;
  node: string;
  /** The worker's journal it came through, and its number there, from 0 without a gap; null for what the recorder itself says. */
  journal: string | null;
  seq: number | null;
  /** Without the fields that `values` commits to. */
  entry: Fields & { type: RecordEntry['type'] };
  /** Field of the entry → base64 of SHA-256(salt of 16 bytes, name in UTF-8, 0x00, value in UTF-8). JSON where the field is no string. */
  values?: Readonly<Record<string, string>>;
}

/** Fields that hold what a client sent or was shown; everything else of an entry may be read by whoever has the log. */
export const VALUE_FIELDS = {
  statement: ['sql', 'rewritten', 'executes', 'parameters', 'breakGlass', 'why', 'tried'],
  result: ['rows'],
} as const satisfies Partial<Record<RecordEntry['type'], readonly string[]>>;

/** Of a keyed hash that a value is found by. */
export const WORD_BYTES = 8;

/** What the fields of an entry held, with the salts of their commitments; null once the key is gone. */
export interface SealedValues {
  /** Of the key in the store's `value_keys`: one for each principal and day, so that a person's values are erased by deleting keys. */
  keyId: string;
  /** As valueBox.ts makes it. */
  box: Buffer;
}

/** One entry of the log as its readers get it: shipper, sinks, export. */
export interface LogRecord {
  index: number;
  /** What is hashed. */
  bytes: Buffer;
  readonly leaf: Leaf;
  sealed: SealedValues | null;
  /** Keyed hashes of the constants and parameters, for searching by value: `WORD_BYTES` each, one behind the other. */
  words: Buffer;
}

/** How far a log reaches: the file its last entry is in, and where the next one will stand. */
export interface LogPlace {
  segment: { first: number; path: string };
  size: number;
  offset: number;
}

/** The log on disk, for reading; the recorder alone appends. */
export interface LogReader {
  /** Index of the first entry that is still there, and the number of entries. */
  readonly first: number;
  readonly size: number;
  /** Entries from `from` on, in order; at most `limit`, and about 4 MiB. Empty at the end. @throws Error where the log is damaged */
  read(from: number, limit: number): LogRecord[];
  /** `name+hash+base64` of the key its checkpoints are signed with; the name is the origin. */
  readonly publicKey: string;
  /** The newest signed note about entries that are all here; null before the first one. */
  checkpoint(): string | null;
  /** Hash of a complete subtree (proxy/tlog/subtrees.ts); hashes stay when the entries below them are archived. @throws Error where it has none */
  hashAt(level: number, index: number): Buffer;
}

/** An entry as it stands in a file of the log. Its leaf is parsed by whoever asks for it, once. */
export class StoredRecord implements LogRecord {
  #leaf: Leaf | null = null;

  constructor(
    readonly index: number,
    readonly bytes: Buffer,
    readonly sealed: SealedValues | null,
    readonly words: Buffer,
  ) {}

  get leaf(): Leaf {
    this.#leaf ??= JSON.parse(this.bytes.toString()) as Leaf;
    return this.#leaf;
  }
}
