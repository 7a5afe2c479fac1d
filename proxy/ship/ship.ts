import pg from 'pg';
import type { Store } from '../../db/store';
import type { LogReader, LogRecord } from '../record/leaf';
import { batchOf } from './batch';
import { dayOf, nextDay } from './days';
import { openDimensions } from './dimensions';
import { OpenStatements } from './outcomes';
import { makePartitions } from './partitions';
import { MovedError, type Writer, writeBatch } from './write';

/** How long it looks away when there is nothing new, and how long after a failure, in milliseconds. */
const POLL_MS = 100;
const RETRY_MS = 1_000;
/** Entries of one transaction: large enough that its fixed costs do not count, small enough that the tail is live. */
const BATCH_ENTRIES = 8_000;

export interface ShipperOptions {
  store: Store;
  storeUrl: string;
  log: LogReader;
  node: string;
  onError?: (error: unknown) => void;
}

export interface Shipper {
  /** Entries of the log that are not in the store yet; null until the store has said where it stands. */
  lag(): number | null;
  /** There is something new: do not wait for the next look. */
  wake(): void;
  /** Copies what is there, as far as the store answers, and ends. */
  stop(): Promise<void>;
}

/**
 * Copies a node's log into the store, in order, each entry once: the position moves in the transaction that writes the rows. While the
 * store is away it waits: the log keeps what the store has not seen.
 */
export function startShipper(options: ShipperOptions): Shipper {
  let stopped = false;
  let next: number | null = null;
  let wake: () => void = () => undefined;
  let run: Shipping | null = null;

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const round = async (): Promise<number> => {
    run ??= await openShipping(options);
    const shipped = await run.ship((index) => {
      next = index;
    });
    next = run.next;
    return shipped;
  };
  const loop = async () => {
    while (!stopped) {
      try {
        const shipped = await round();
        if (shipped === 0 && !stopped) await pause(POLL_MS);
      } catch (error) {
        options.onError?.(error);
        await run?.close();
        run = null;
        if (!stopped) await pause(RETRY_MS);
      }
    }
    // What was written while the last round ran.
    try {
      await round();
    } catch (error) {
      options.onError?.(error);
    }
    await run?.close();
  };
  const running = loop();

  return {
    lag: () => (next === null ? null : Math.max(0, options.log.size - next)),
    wake: () => wake(),
    async stop() {
      stopped = true;
      wake();
      await running;
    },
  };
}

/** Copies all that is there now; the number of entries. */
export async function shipAll(options: Omit<ShipperOptions, 'store'>): Promise<number> {
  const run = await openShipping(options);
  try {
    return await run.ship();
  } finally {
    await run.close();
  }
}

interface Shipping {
  /** The first entry that is not in the store. */
  readonly next: number;
  /** Until the end of the log; the number of entries copied. */
  ship(onMoved?: (next: number) => void): Promise<number>;
  close(): Promise<void>;
}

async function openShipping({ storeUrl, log, node, onError }: Omit<ShipperOptions, 'store'>): Promise<Shipping> {
  const client = new pg.Client({ connectionString: storeUrl, application_name: 'gatehouse shipper', connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  const writer: Writer = { client, dimensions: openDimensions(), open: new OpenStatements(), days: new Set() };
  let next: number;
  try {
    await client.connect();
    // A crash of the store may take back the last moments, rows and position together: they are copied again.
    await client.query("set synchronous_commit = off; set statement_timeout = '5min'");
    next = await positionOf(client, node, log);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }

  const read = (from: number): LogRecord[] => {
    const records: LogRecord[] = [];
    while (records.length < BATCH_ENTRIES) {
      const more = log.read(from + records.length, BATCH_ENTRIES - records.length);
      if (more.length === 0) break;
      for (const record of more) records.push(record);
    }
    return records;
  };
  /** Where the store does not take a batch for what it says, the entry is found that it does not take; all others are copied. */
  const write = async (records: readonly LogRecord[], from: number): Promise<void> => {
    const batch = batchOf(node, records, from);
    try {
      await writeBatch(writer, batch, log.size);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (records.length > 1) {
        const half = records.length >> 1;
        await write(records.slice(0, half), from);
        await write(records.slice(half), from + half);
        return;
      }
      onError?.(error);
      const refused = batchOf(node, [], from);
      refused.next = from + 1;
      refused.gaps.push({ atMs: Date.now(), kind: 'refused', why: `the store said ${String(error.code)}`, logIndex: from });
      await writeBatch(writer, refused, log.size);
    }
  };

  return {
    get next() {
      return next;
    },
    async ship(onMoved) {
      await makeAhead(writer);
      let shipped = 0;
      let records = read(next);
      while (records.length > 0) {
        const written = write(records, next);
        // The next batch is read and decoded while the store takes this one.
        const count = records.length;
        const from = next + count;
        const [following] = await Promise.all([new Promise(setImmediate).then(() => read(from)), written]);
        next += count;
        shipped += count;
        onMoved?.(next);
        records = following;
      }
      return shipped;
    },
    close: () => client.end().catch(() => undefined),
  };
}

/** Tomorrow's partitions are made today, so that midnight finds them. */
async function makeAhead({ client, days }: Writer): Promise<void> {
  const today = dayOf(Date.now());
  for (const day of [today, nextDay(today)]) {
    if (days.has(day)) continue;
    await makePartitions(client, day);
    days.add(day);
  }
}

async function positionOf(client: pg.Client, node: string, log: LogReader): Promise<number> {
  await client.query('insert into ship_positions (node, next_index, log_size, at) values ($1, $2, $3, now()) on conflict do nothing', [
    node,
    log.first,
    log.size,
  ]);
  const { rows } = await client.query<{ next_index: string }>('select next_index from ship_positions where node = $1', [node]);
  const next = Number(rows[0]?.next_index ?? 0);
  if (next > log.size)
    throw new Error(`the log of ${node} has ${log.size} entries, and the store has copied ${next}: entries of it are missing`);
  if (next < log.first) throw new Error(`the log of ${node} begins at ${log.first}, and the store has copied only the first ${next}`);
  return next;
}

/** The server does not take what was sent (SQLSTATE classes 22 and 23, program limits): sending it again changes nothing. */
function isRefusal(error: unknown): error is Error & { code: string } {
  if (!(error instanceof Error) || error instanceof MovedError || !('code' in error) || typeof error.code !== 'string') return false;
  return /^(22|23|54)/.test(error.code);
}
