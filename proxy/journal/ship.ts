import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eq, sql } from 'drizzle-orm';
import { journalPositions, statements } from '../../db/schema/audit';
import type { Store, StoreTransaction } from '../../db/store';
import type { OutcomeEntry, StatementEntry } from './entries';
import { journalDirectory } from './places';
import { JOURNAL_START, type JournalPosition, readJournal } from './read';

const POLL_MS = 150;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Copies journals into the store. The position moves in the transaction that writes the rows, so a crash neither loses nor doubles one.
 * While the store is away it waits: the journals keep what it has not seen.
 */
export function startShipper(options: { store: Store; dataDir: string; onError?: (error: unknown) => void }): { stop(): Promise<void> } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let wake: (() => void) | undefined;

  const run = async () => {
    while (!stopped) {
      let shipped = 0;
      try {
        shipped = await shipAll(options.store, options.dataDir);
      } catch (error) {
        options.onError?.(error);
      }
      if (shipped === 0 && !stopped) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, POLL_MS);
        });
      }
    }
    // What was written while the last round ran.
    await shipAll(options.store, options.dataDir).catch((error: unknown) => options.onError?.(error));
  };
  const running = run();

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      wake?.();
      await running;
    },
  };
}

/** One round over every journal; the number of entries copied. */
export async function shipAll(store: Store, dataDir: string): Promise<number> {
  const root = journalDirectory(dataDir);
  if (!existsSync(root)) return 0;
  let shipped = 0;
  for (const journal of readdirSync(root).sort()) shipped += await shipJournal(store, join(root, journal), journal);
  return shipped;
}

/** Where each journal stands: what its transaction committed, or the segment that follows it. */
const positions = new Map<string, JournalPosition>();

async function shipJournal(store: Store, directory: string, journal: string): Promise<number> {
  let position = positions.get(directory);
  if (position === undefined) {
    const [row] = await store.select().from(journalPositions).where(eq(journalPositions.journal, journal));
    position = row === undefined ? JOURNAL_START : { segment: row.segment, offset: row.offset, seq: null };
    positions.set(directory, position);
  }
  const { entries, next } = readJournal(directory, position, CHUNK_BYTES);
  if (entries.length === 0) {
    // Only the segment ended. The position is stored with the next entries; until then this is found again.
    positions.set(directory, next);
    return 0;
  }
  const { segment, offset } = next;
  await store.transaction(async (tx) => {
    await writeStatements(
      tx,
      entries.map(({ entry }) => entry).filter((entry): entry is StatementEntry => entry.type === 'statement'),
    );
    await writeOutcomes(
      tx,
      entries.map(({ entry }) => entry).filter((entry): entry is OutcomeEntry => entry.type === 'outcome'),
    );
    await tx
      .insert(journalPositions)
      .values({ journal, segment, offset })
      .onConflictDoUpdate({ target: journalPositions.journal, set: { segment, offset } });
    await tx.execute(sql`select pg_notify('gatehouse_statements', ${String(entries.length)})`);
  });
  positions.set(directory, next);
  return entries.length;
}

export async function writeStatements(tx: StoreTransaction, entries: readonly StatementEntry[]): Promise<void> {
  for (let start = 0; start < entries.length; start += 500) {
    await tx
      .insert(statements)
      .values(
        entries
          .slice(start, start + 500)
          .map(({ type: _, atMs, shape: _s, touchedColumns: _t, runOf: _r, transactionId: _x, ...entry }) => ({
            ...entry,
            sql: storable(entry.sql),
            applicationName: storable(entry.applicationName),
            breakGlass: entry.breakGlass == null ? null : storable(entry.breakGlass),
            at: new Date(atMs),
            parameters: entry.parameters.map((parameter) => ({
              ...parameter,
              value: parameter.value === null ? null : storable(parameter.value),
            })),
            relations: [...entry.relations],
            effects: [...entry.effects],
            tried: [...entry.tried],
            maskedColumns: [],
          })),
      )
      .onConflictDoNothing();
  }
}

/** text and jsonb cannot hold U+0000; the journal keeps the exact bytes. */
const storable = (text: string) => text.replaceAll('\0', '\u2400');

export async function writeOutcomes(tx: StoreTransaction, entries: readonly OutcomeEntry[]): Promise<void> {
  if (entries.length === 0) return;
  // Later outcomes of one statement (held, then running, then done) win field by field.
  const merged = new Map<string, OutcomeEntry>();
  for (const entry of entries) merged.set(entry.id, { ...merged.get(entry.id), ...entry });
  await tx.execute(sql`
    update statements s set
      status = o.status,
      request_id = coalesce(o.request_id, s.request_id),
      rows = coalesce(o.rows, s.rows),
      bytes = coalesce(o.bytes, s.bytes),
      sqlstate = coalesce(o.sqlstate, s.sqlstate),
      masked_columns = coalesce(o.masked_columns, s.masked_columns),
      detected = coalesce(o.detected, s.detected),
      duration_ms = coalesce(o.duration_ms, s.duration_ms),
      wait_ms = coalesce(o.wait_ms, s.wait_ms)
    from jsonb_to_recordset(${JSON.stringify([...merged.values()].map(outcomeRow))}::jsonb)
      as o(id text, status text, request_id text, rows bigint, bytes bigint, sqlstate text, masked_columns jsonb, detected jsonb,
           duration_ms double precision, wait_ms double precision)
    where s.id = o.id`);
}

function outcomeRow(entry: OutcomeEntry) {
  return {
    id: entry.id,
    status: entry.status,
    request_id: entry.requestId ?? null,
    rows: entry.rows ?? null,
    bytes: entry.bytes ?? null,
    sqlstate: entry.sqlstate ?? null,
    masked_columns: entry.maskedColumns ?? null,
    detected: entry.detected ?? null,
    duration_ms: entry.durationMs ?? null,
    wait_ms: entry.waitMs ?? null,
  };
}
