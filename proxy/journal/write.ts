import { join } from 'node:path';
import { ByteWriter } from './bytes';
import { type JudgedPart, judgedAlike, newPart, type SharedPart, writeJudged, writeSession, writeText } from './definitions';
import type { JournalEntry, StatementEntry } from './entries';
import { diskFiles, type JournalFiles } from './files';
import { FRAME_BYTES, FrameKind, MAX_PAYLOAD_BYTES, sealFrame } from './frames';
import { journalDirectory } from './places';
import { writeOutcome, writeStatement } from './records';
import { Segment } from './segment';

/** The journal of one worker process: append-only segment files that no other process writes. */
export interface Journal {
  /**
   * Takes the entry into the group of this turn of the event loop, for which there is room on the disk then.
   * @param of what the entry shares with others; kept by identity, so that it is written once
   * @throws Error when there is no room for it; the statement must not be executed
   */
  append(entry: JournalEntry, of?: Shared): void;
  /**
   * Calls `done` once all that was appended is written, those of one kind in the order of the calls; with an error where it could not be, and then nothing it
   * stands for may happen. Written: handed to the kernel, so that a killed process loses nothing. synced: on the disk, so that neither does a
   * machine. Never called before this returns.
   */
  whenWritten(how: 'written' | 'synced', done: (error: Error | null) => void): void;
  /** Writes what is gathered and ends the journal. */
  close(): void;
}

/** What the repeated parts of a statement come from: one object for all entries in which a part is the same. */
export interface Shared {
  session: SharedPart;
  statement: SharedPart;
}

export interface JournalOptions {
  segmentBytes?: number;
  /** How long a segment is written to at most. */
  segmentMs?: number;
  files?: JournalFiles;
  /** Told of a group that could not be written. */
  onError?: (error: Error) => void;
}

const SEGMENT_BYTES = 64 * 1024 * 1024;
/** What clients sent is in the clear in a journal until the recorder has it and the segment is over: not for long, also where little runs. */
const SEGMENT_MS = 30_000;
/** Definitions are made anew this often, so that a damaged one costs no more than what follows it for so long. */
const BLOCK_BYTES = 1024 * 1024;
/** Room that statements leave to outcomes: what runs while the disk fills up still gets its end. */
const OUTCOME_ROOM_BYTES = 256 * 1024;
/** For the words a segment ends with. */
const END_ROOM_BYTES = 64;
const GROUP_BYTES = 64 * 1024;
/** Shapes of which it is remembered what was said; longer ones are not worth the room. */
const MOST_JUDGED = 500;
const MOST_SHAPE_CHARS = 4_096;
/** A group larger than this is written before the turn is over. */
const MAX_GROUP_BYTES = 1024 * 1024;

export function openJournal(dataDir: string, name: string, options: JournalOptions = {}): Journal {
  const { files = diskFiles, onError = () => undefined, segmentBytes = SEGMENT_BYTES, segmentMs = SEGMENT_MS } = options;
  const directory = join(journalDirectory(dataDir), name);
  files.makeDirectory(directory);
  return new GroupedJournal(files, directory, { segmentBytes, segmentMs }, onError);
}

interface Waiting {
  how: 'written' | 'synced';
  done: (error: Error | null) => void;
}

class GroupedJournal implements Journal {
  readonly #files: JournalFiles;
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #onError: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;
  #segment: Segment;
  /** Segments that this turn has left behind; kept open in case somebody wants them on the disk. */
  #older: Segment[] = [];
  /** After a failed write or sync: the segment is not written to any more, and these numbers are in none (from > to: none are missing). */
  #broken: { from: number; to: number; why: string } | null = null;
  #closed = false;
  /** The last try to begin a new segment failed. */
  #stuck = false;
  #seq = 0;
  /** What this turn gathered, in bytes for the segment of now, and the number of its first entry. */
  #group = new ByteWriter(GROUP_BYTES);
  #groupSeq = 0;
  #groupError: Error | null = null;
  /** What the group says of things that have happened: should it fail, that is said again. What it says of things to come is not. */
  #happened: JournalEntry[] = [];
  #waiting: Waiting[] = [];
  #scheduled = false;
  #syncing = false;
  #unsynced: Waiting['done'][] = [];
  /** Stands for the block in which definitions hold, and where it began in the segment. */
  #block: object = {};
  /** What was last said of statements of a shape. */
  readonly #judged = new Map<string, JudgedPart & SharedPart>();
  #blockFrom = 0;

  constructor(
    files: JournalFiles,
    directory: string,
    { segmentBytes, segmentMs }: { segmentBytes: number; segmentMs: number },
    onError: (error: Error) => void,
  ) {
    this.#files = files;
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#onError = onError;
    this.#segment = new Segment(files, directory, 0, 0);
    files.syncDirectory(directory);
    this.#timer = setInterval(() => {
      if (!this.#segment.begun || this.#broken !== null) return;
      this.#rollIfPossible();
      // What is left behind is closed when the turn is over.
      if (!this.#scheduled) this.#schedule();
    }, segmentMs);
    this.#timer.unref();
  }

  append(entry: JournalEntry, of?: Shared): void {
    if (this.#closed) throw new Error('the journal is closed');
    if (this.#broken !== null) this.#roll();
    else if (this.#position > this.#segmentBytes) this.#rollIfPossible();
    const before = this.#group.length;
    if (before === 0) this.#groupSeq = this.#seq;
    try {
      this.#encode(entry, of);
      const spare = entry.type === 'statement' ? OUTCOME_ROOM_BYTES + END_ROOM_BYTES : END_ROOM_BYTES;
      this.#segment.makeRoom(this.#group.length + spare);
    } catch (error) {
      this.#group.length = before;
      // One may have been in what was taken back.
      this.#newBlock();
      throw error;
    }
    this.#seq++;
    if (entry.type !== 'statement') this.#happened.push(entry);
    if (!this.#scheduled) this.#schedule();
    if (this.#group.length > MAX_GROUP_BYTES) this.#writeGroup();
  }

  whenWritten(how: Waiting['how'], done: Waiting['done']): void {
    this.#waiting.push({ how, done });
    if (!this.#scheduled) this.#schedule();
  }

  close(): void {
    if (this.#closed) return;
    clearInterval(this.#timer);
    this.#endTurn();
    this.#closed = true;
    if (this.#broken === null) this.#finish(this.#segment, true);
    this.#segment.close();
  }

  #schedule(): void {
    this.#scheduled = true;
    setImmediate(() => this.#endTurn());
  }

  #endTurn(): void {
    this.#scheduled = false;
    this.#writeGroup();
    const waiting = this.#waiting;
    this.#waiting = [];
    const error = this.#groupError;
    this.#groupError = null;
    for (const { how, done } of waiting) {
      if (error !== null || how === 'written') done(error);
      else this.#unsynced.push(done);
    }
    if (this.#unsynced.length > 0) this.#sync();
    else this.#closeOlder();
  }

  /** The one write of a turn. */
  #writeGroup(): void {
    const { bytes, length } = this.#group;
    if (length === 0) return;
    try {
      this.#segment.write(bytes, length);
      this.#happened = [];
    } catch (cause) {
      const error = asError(cause);
      this.#groupError = error;
      this.#broken = { from: this.#groupSeq, to: this.#seq - 1, why: codeOf(error) };
      this.#onError(error);
    }
    this.#group.length = 0;
    if (bytes.length > MAX_GROUP_BYTES * 4) this.#group = new ByteWriter(GROUP_BYTES);
    if (this.#broken !== null) this.#rollIfPossible();
  }

  /** One at a time; what is written meanwhile waits for the next. */
  #sync(): void {
    if (this.#syncing) return;
    this.#syncing = true;
    const served = this.#unsynced;
    this.#unsynced = [];
    const segment = this.#segment;
    const settle = (error: Error | null) => {
      this.#syncing = false;
      if (error !== null) {
        this.#onError(error);
        // What the kernel dropped once it may call written the next time: nothing more is trusted to this file.
        if (segment === this.#segment) this.#broken ??= { from: this.#seq, to: this.#seq - 1, why: codeOf(error) };
      }
      for (const done of served) done(error);
      if (this.#unsynced.length > 0) this.#sync();
    };
    try {
      for (const older of this.#older) older.syncNow();
    } catch (error) {
      return void setImmediate(settle, asError(error));
    } finally {
      this.#closeOlder();
    }
    segment.sync(settle);
  }

  #closeOlder(): void {
    for (const segment of this.#older.splice(0)) segment.close();
  }

  #rollIfPossible(): void {
    try {
      this.#roll();
    } catch (error) {
      // It is tried again with each entry, and that is refused where there is no segment to take it. Said once.
      if (!this.#stuck) this.#onError(asError(error));
      this.#stuck = true;
    }
  }

  /** Goes on in a new segment. @throws Error where there is no room for one; then the one of now stays */
  #roll(): void {
    this.#writeGroup();
    const broken = this.#broken;
    const next = new Segment(this.#files, this.#directory, this.#segment.number + 1, broken?.from ?? this.#seq);
    try {
      this.#files.syncDirectory(this.#directory);
    } catch (error) {
      next.discard();
      throw error;
    }
    if (broken === null) this.#finish(this.#segment, false);
    this.#older.push(this.#segment);
    this.#segment = next;
    this.#broken = null;
    this.#stuck = false;
    this.#newBlock();
    if (broken === null) return;
    this.#groupSeq = broken.from;
    if (broken.to >= broken.from) this.#json(FrameKind.gap, JSON.stringify(broken));
    this.#sayAgain();
  }

  #sayAgain(): void {
    for (const entry of this.#happened.splice(0)) {
      try {
        this.append(entry);
      } catch (error) {
        this.#onError(asError(error));
      }
    }
  }

  /** Its last words are a courtesy: that another segment follows, or that its writer is gone, says the same. */
  #finish(segment: Segment, last: boolean): void {
    try {
      segment.finish(this.#seq, last);
    } catch (error) {
      this.#onError(asError(error));
    }
  }

  #newBlock(): void {
    this.#block = {};
    this.#blockFrom = this.#position;
  }

  /** In the segment, behind what is gathered. */
  get #position(): number {
    return this.#segment.end + this.#group.length;
  }

  #encode(entry: JournalEntry, of: Shared | undefined): void {
    if (this.#position - this.#blockFrom > BLOCK_BYTES) this.#newBlock();
    if (entry.type === 'statement' && of !== undefined) {
      const { session, statement } = of;
      const places = {
        session: session.block === this.#block ? session.place : this.#defineSession(session, entry),
        statement: statement.block === this.#block ? statement.place : this.#defineText(statement, entry),
      };
      const at = this.#begin();
      writeStatement(this.#group, entry, places);
      this.#seal(FrameKind.statement, at);
    } else if (entry.type === 'outcome') {
      const at = this.#begin();
      writeOutcome(this.#group, entry);
      this.#seal(FrameKind.outcome, at);
    } else this.#json(FrameKind.entry, JSON.stringify(entry));
  }

  // Apart from what every statement runs through, which would make room for their closures each time.
  #defineSession(of: SharedPart, entry: StatementEntry): number {
    return this.#define(of, (out) => writeSession(out, entry));
  }

  #defineText(of: SharedPart, entry: StatementEntry): number {
    const judged = this.#defineJudged(entry);
    return this.#define(of, (out) => writeText(out, entry, judged));
  }

  /** A new text is judged as the last one of its shape was, as a rule. */
  #defineJudged(entry: StatementEntry): number {
    const shape = entry.shape ?? '';
    const last = this.#judged.get(shape);
    if (last !== undefined && judgedAlike(last, entry))
      return last.block === this.#block ? last.place : this.#define(last, (out) => writeJudged(out, last));
    const { fingerprint, touchedColumns, relations, effects, unbounded, verdict, rule, why, tried } = entry;
    const said = { touchedColumns: touchedColumns ?? [], unbounded: unbounded === true };
    const named = entry.shape === undefined ? {} : { shape };
    const part = { fingerprint, ...named, ...said, relations, effects, verdict, rule, why, tried, ...newPart() };
    if (this.#judged.size >= MOST_JUDGED) this.#judged.clear();
    if (shape.length <= MOST_SHAPE_CHARS) this.#judged.set(shape, part);
    return this.#define(part, (out) => writeJudged(out, part));
  }

  #define(of: SharedPart, write: (out: ByteWriter) => void): number {
    const place = this.#position;
    const at = this.#begin();
    write(this.#group);
    this.#seal(FrameKind.define, at);
    of.block = this.#block;
    of.place = place;
    return place;
  }

  #json(kind: FrameKind, text: string): void {
    const at = this.#begin();
    const out = this.#group;
    out.reserve(text.length * 3);
    out.length += out.bytes.write(text, out.length, 'utf8');
    this.#seal(kind, at);
  }

  #begin(): number {
    const at = this.#group.length;
    this.#group.reserve(FRAME_BYTES);
    this.#group.length += FRAME_BYTES;
    return at;
  }

  #seal(kind: FrameKind, at: number): void {
    const { bytes, length: end } = this.#group;
    const length = end - at - FRAME_BYTES;
    if (length > MAX_PAYLOAD_BYTES) throw new Error('the entry is too large');
    sealFrame(bytes, at, { kind, length, seq: this.#seq, salt: this.#segment.salt });
  }
}

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));

const codeOf = (error: Error): string => ('code' in error ? String(error.code) : error.name);
