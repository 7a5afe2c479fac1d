import type { SinkStatus } from '../../db/schema/auditShapes';
import type { LogReader } from '../record/leaf';
import { type Cursor, openCursor } from './cursor';
import { type Sink, SinkError } from './sink';

export interface Feed {
  wake(): void;
  status(): SinkStatus;
  /** Index of the first entry it still needs. */
  needs(): number;
  stop(): Promise<void>;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 60_000;
const IDLE_MS = 1_000;
/** Of the size of an entry, until some were seen. */
const GUESSED_BYTES = 1_200;

/**
 * Sends the log to one sink, from where it was. Nothing waits for it: it reads what is on disk anyway. While the sink is away its entries wait
 * there, up to `budgetBytes` of them; then the oldest are skipped, and that is said, to the operator and, once it is back, to the sink.
 */
export function startFeed(options: {
  name: string;
  sink: Sink;
  log: Pick<LogReader, 'first' | 'size' | 'read'>;
  directory: string;
  budgetBytes: number;
  /** From 0 to 1. */
  random(): number;
  onTrouble(words: string): void;
}): Feed {
  const { name, sink, log, directory, budgetBytes, random, onTrouble } = options;
  const file = openCursor(directory, name);
  const kept = file.read();
  // What was recorded before the sink was named is not sent; from here on all is.
  let cursor: Cursor = kept ?? { next: log.size, lost: 0, gap: null };
  if (kept === null) file.write(cursor);
  const stopping = new AbortController();
  let error: string | null = null;
  let atMs: number | null = null;
  let failures = 0;
  let entryBytes = GUESSED_BYTES;
  let wakeUp: () => void = () => undefined;

  const move = (change: Partial<Cursor>) => {
    cursor = { ...cursor, ...change };
    file.write(cursor);
  };

  /** Entries that are gone from the disk, or more than the budget allows. */
  const skipWhatMustGo = () => {
    const most = Math.max(sink.batch, Math.floor(budgetBytes / entryBytes));
    const to = Math.max(log.first, log.size - cursor.next > most ? log.size - Math.floor(most * 0.9) : cursor.next);
    if (to <= cursor.next) return;
    const count = to - cursor.next;
    onTrouble(`${count} entries were skipped, ${cursor.next} to ${to - 1}: it was away for longer than its disk budget reaches`);
    move({ next: to, lost: cursor.lost + count, gap: { from: cursor.gap?.from ?? cursor.next, to } });
  };

  /** Sends what comes next; a batch that is refused as it is, in halves, until the entry is found that nobody will take. */
  const sendSome = async (most: number): Promise<void> => {
    const records = log.read(cursor.next, most);
    const last = records.at(-1);
    if (last === undefined) return;
    entryBytes = entryBytes * 0.9 + (records.reduce((sum, { bytes }) => sum + bytes.length + 200, 0) / records.length) * 0.1;
    try {
      await sink.send(records, cursor.gap, stopping.signal);
      move({ next: last.index + 1, gap: null });
    } catch (cause) {
      if (!(cause instanceof SinkError) || cause.kind === 'retry') throw cause;
      if (cause.kind === 'partial') {
        const lost = cause.detail.lost ?? 0;
        onTrouble(`${lost} entries of ${cursor.next} to ${last.index} were not taken: ${cause.message}`);
        move({ next: last.index + 1, gap: null, lost: cursor.lost + lost });
      } else if (records.length > 1) {
        await sendSome(Math.ceil(records.length / 2));
      } else {
        onTrouble(`entry ${last.index} was not taken: ${cause.message}`);
        move({ next: last.index + 1, lost: cursor.lost + 1 });
      }
    }
  };

  const run = async () => {
    while (!stopping.signal.aborted) {
      try {
        skipWhatMustGo();
        if (cursor.next < log.size) {
          await sendSome(sink.batch);
          atMs = Date.now();
          error = null;
          failures = 0;
          continue;
        }
        await pause(IDLE_MS);
      } catch (cause) {
        if (stopping.signal.aborted) return;
        const words = cause instanceof SinkError ? cause.message : codeOf(cause);
        if (error !== words) onTrouble(words);
        error = words;
        failures++;
        const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 10));
        const asked = cause instanceof SinkError ? (cause.detail.askedMs ?? 0) : 0;
        await pause(Math.min(LONGEST_DELAY_MS, Math.max(asked, full / 2 + (full / 2) * random())), false);
      }
    }
  };

  const pause = (ms: number, wakes = true) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        stopping.signal.removeEventListener('abort', done);
        resolve();
      }
      stopping.signal.addEventListener('abort', done);
      wakeUp = wakes ? done : () => undefined;
    });
  const running = run();

  return {
    wake: () => wakeUp(),
    status: () => ({ name, next: cursor.next, waiting: Math.max(0, log.size - cursor.next), lost: cursor.lost, error, atMs }),
    needs: () => cursor.next,
    async stop() {
      stopping.abort();
      await running;
      await sink.close();
    },
  };
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'it failed');
