import type pg from 'pg';
import type { SilenceWatch } from '../../db/silence';
import type { LogReader } from '../record/leaf';
import { createPartsReader } from '../record/leafParts';
import { LogDamagedError } from '../record/readLog';
import { type Batch, BatchBuilder } from './batch';
import { dayOf, nextDay } from './days';
import { makePartitions } from './partitions';
import { MovedError, movePosition, openWriter, type Writer, writeBatch } from './write';

/** Entries of one transaction: so many that its fixed costs do not count. What is there is taken, so the tail is as live with any number. */
const BATCH_ENTRIES = 32_000;
/** Of the log, for one transaction: two are in memory at a time. */
const BATCH_BYTES = 64 * 1024 * 1024;
/** Entries that are read at once: few, so that what is not kept of them is gone before it is moved in memory, and the loop is free soon. */
const READ_ENTRIES = 100;

export interface ShipperOptions {
  storeUrl: string;
  log: Pick<LogReader, 'first' | 'size' | 'read'>;
  node: string;
  /** An entry that the store does not take: it is in the log, and `record_gaps` names it. */
  onRefused?: (error: unknown) => void;
  /** Of one transaction, where it is to be fewer than `BATCH_ENTRIES`. */
  batchEntries?: number;
  /** The store has what is before `next`. */
  onMoved?: (next: number) => void;
}

export interface Shipper {
  /** Entries of the log that are not in the store yet; null until the store has said where it stands. */
  lag(): number | null;
  /** Copies what is there now; the number of entries. After a failure the next round begins anew. @throws what the store said */
  round(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Copies a node's log into the store, in order, each entry once: the position moves in the transaction that writes the rows. While the
 * store is away the log keeps what it has not seen.
 */
export function createShipper(options: ShipperOptions): Shipper {
  let run: Shipping | null = null;
  let next: number | null = null;
  return {
    lag: () => (next === null ? null : Math.max(0, options.log.size - next)),
    async round() {
      try {
        run ??= await openShipping(options);
        run.silence.busy();
        return await run.ship((moved) => {
          next = moved;
          options.onMoved?.(moved);
        });
      } catch (error) {
        await run?.close();
        run = null;
        throw error;
      } finally {
        run?.silence.idle();
      }
    },
    async close() {
      await run?.close();
      run = null;
    },
  };
}

interface Shipping {
  silence: SilenceWatch;
  /** Until the end of the log; the number of entries copied. */
  ship(onMoved: (next: number) => void): Promise<number>;
  close(): Promise<void>;
}

async function openShipping({ storeUrl, log, node, onRefused, batchEntries = BATCH_ENTRIES }: ShipperOptions): Promise<Shipping> {
  const writer = await openWriter(storeUrl);
  const { client } = writer;
  const source: BatchSource = { log, node, partsOf: createPartsReader() };
  let next: number;
  try {
    next = await positionOf(client, node, log);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }

  /** Where the store does not take a batch for what it says, the entry is found that it does not take; all others are copied. */
  const write = async (batch: Batch): Promise<void> => {
    try {
      await writeBatch(writer, batch, movePosition(batch, log.size));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const { from, next: end } = batch;
      if (end - from > 1) {
        for (let at = from; at < end; ) {
          const part = await readBatch(source, at, Math.min((end - from) >> 1 || 1, end - at));
          await write(part);
          at = part.next;
        }
        return;
      }
      onRefused?.(error);
      const refused = new BatchBuilder(node, from);
      refused.passOver(end, { atMs: Date.now(), kind: 'refused', why: `the store said ${error.code}`, logIndex: from });
      await writeBatch(writer, refused.batch, movePosition(refused.batch, log.size));
    }
  };

  return {
    silence: writer.silence,
    async ship(onMoved) {
      await makeAhead(writer);
      onMoved(next);
      const begun = next;
      let batch = await readBatch(source, next, batchEntries);
      while (batch.next > batch.from) {
        const from = batch.next;
        // The next batch is read and decoded while the store takes this one.
        const [following] = await Promise.all([readBatch(source, from, batchEntries), write(batch)]);
        next = from;
        onMoved(next);
        batch = following;
      }
      return next - begun;
    },
    close: () => client.end().catch(() => undefined),
  };
}

/** A log, and what its batches have in common. */
type BatchSource = Pick<ShipperOptions, 'log' | 'node'> & { partsOf: ReturnType<typeof createPartsReader> };

/**
 * Entries from `from` on, `limit` at most; damaged ones behind them are passed over. The loop is let go between few, so that the store, which
 * takes the batch before it, never waits long for what it is to do next.
 */
async function readBatch({ log, node, partsOf }: BatchSource, from: number, limit: number): Promise<Batch> {
  const builder = new BatchBuilder(node, from, { partsOf });
  const { batch } = builder;
  let bytes = 0;
  while (batch.next - from < limit && bytes < BATCH_BYTES && batch.next < log.size) {
    try {
      const records = log.read(batch.next, Math.min(READ_ENTRIES, limit - (batch.next - from)));
      if (records.length === 0) break;
      for (const record of records) {
        builder.add(record);
        bytes += record.bytes.length + (record.sealed?.box.length ?? 0);
      }
      await new Promise(setImmediate);
    } catch (error) {
      if (!(error instanceof LogDamagedError)) throw error;
      const why = `entries ${error.from} to ${error.to - 1} of the log on disk are not as they were written`;
      builder.passOver(error.to, { atMs: Date.now(), kind: 'damage', why, logIndex: error.from });
      break;
    }
  }
  return batch;
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

async function positionOf(client: pg.Client, node: string, log: ShipperOptions['log']): Promise<number> {
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
