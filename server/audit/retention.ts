import { and, eq, lt, ne, sql } from 'drizzle-orm';
import { archives, statementForms, statementHours, statementMasks, statementSources } from '../../db/schema/audit';
import type { ArchiveTarget, AuditSettings } from '../../db/schema/auditShapes';
import type { Store } from '../../db/store';
import type { LogReader } from '../../proxy/record/leaf';
import { dayOf, nextDay, startOfDay } from '../../proxy/ship/days';
import { BY_DAY, PARTITION_LOCK, partitionName } from '../../proxy/ship/partitions';
import type { SignedCheckpoint } from '../../proxy/tlog/checkpoint';
import { archiveSpan } from './archive';
import { checkpointAfter, firstAfter, rangeOf } from './proof/range';
import { newestOf } from './proof/write';

const DAY_MS = 86_400_000;

export interface RetentionOptions {
  store: Store;
  /** Of this gateway. */
  log: LogReader;
  node: string;
  settings: Pick<AuditSettings, 'retention'>;
  env: Readonly<Record<string, string | undefined>>;
  nowMs: number;
}

/** What one look at the retention came to. */
export interface RetentionRun {
  /** UTC days whose partitions are gone. */
  dropped: string[];
  archived: string[];
  /** A day that stays, with the reason: it is tried again, and later days with it. */
  kept: { day: string; why: string } | null;
}

/**
 * Drops the days that are older than the retention, oldest first, each whole. Where there is an archive, every gateway puts its own entries
 * of the day there first, and a day goes only when those of all gateways that have statements in it are there: what cannot be archived stays.
 */
export async function keepRetention(options: RetentionOptions): Promise<RetentionRun> {
  const { store, settings, nowMs } = options;
  const run: RetentionRun = { dropped: [], archived: [], kept: null };
  if (settings.retention === null) return run;
  const { days, archive } = settings.retention;
  const firstKept = dayOf(nowMs - days * DAY_MS);
  for (const day of (await partitionedDays(store)).filter((one) => one < firstKept)) {
    try {
      if (await archiveDay(options, archive, day)) run.archived.push(day);
      const missing = archive === null ? [] : await nodesWithout(store, day);
      if (missing.length > 0) {
        run.kept = { day, why: `not archived yet by ${missing.join(', ')}` };
        return run;
      }
      await dropDay(store, day);
      run.dropped.push(day);
    } catch (error) {
      run.kept = { day, why: error instanceof Error ? error.message : 'unknown error' };
      return run;
    }
  }
  const unused = dayOf(nowMs - (days + 2) * DAY_MS);
  if (run.dropped.length > 0)
    for (const table of [statementForms, statementSources, statementMasks]) await store.delete(table).where(lt(table.seenOn, unused));
  return run;
}

async function partitionedDays(store: Store): Promise<string[]> {
  const { rows } = await store.execute<{ name: string }>(
    sql`select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'statements'::regclass order by 1`,
  );
  return rows.flatMap(({ name }) => {
    const [, year, month, date] = /^statements_(\d{4})(\d{2})(\d{2})$/.exec(name) ?? [];
    return year === undefined ? [] : [`${year}-${month}-${date}`];
  });
}

/**
 * Archives what is left of a day in this gateway's log, run by run; without an archive only says how far the log may be let go.
 *
 * @returns whether something was written @throws Error where it could not be
 */
async function archiveDay(
  { store, log, node, env, nowMs }: RetentionOptions,
  archive: ArchiveTarget | null,
  day: string,
): Promise<boolean> {
  let written = false;
  for (let known = await archivedOf(store, node, day); !known.closed; known = await archivedOf(store, node, day)) {
    const from = Math.max(known.end, log.first);
    const span = spanOf(log, from, day);
    const there = archive === null || span === null ? null : await archiveSpan(log, { node, day, from, ...span }, archive, env, nowMs);
    await store.insert(archives).values({
      ...{ node, day, at: new Date(nowMs), fromIndex: from, entries: span === null ? 0 : span.checkpoint.size - from },
      ...{ place: there?.place ?? '', sha256: there?.sha256 ?? '', sizeBytes: there?.sizeBytes ?? 0, closesDay: span?.closesDay ?? true },
    });
    written ||= there !== null;
  }
  return written;
}

async function archivedOf(store: Store, node: string, day: string): Promise<{ end: number; closed: boolean }> {
  const [row] = await store
    .select({
      end: sql<number>`coalesce(max(${archives.fromIndex} + ${archives.entries}), 0)::float8`,
      closed: sql<boolean>`coalesce(bool_or(${archives.closesDay}) filter (where ${archives.day} = ${day}), false)`,
    })
    .from(archives)
    .where(eq(archives.node, node));
  return row ?? { end: 0, closed: false };
}

/** Entries of one run: as many as are held in memory at once. */
const MOST_ENTRIES = 50_000;

/** From an entry on to the end of the day, or less; null where the day has ended before. @throws Error without a checkpoint of it */
function spanOf(log: LogReader, from: number, day: string): { checkpoint: SignedCheckpoint; closesDay: boolean } | null {
  const newest = newestOf(log);
  if (newest === null) throw new Error('the log has no checkpoint yet');
  const endMs = startOfDay(nextDay(day));
  if (firstAfter(log, newest.size, endMs) <= from) return null;
  const { checkpoint: last } = rangeOf(log, newest, { sinceMs: null, untilMs: endMs });
  const nearer = checkpointAfter(log, Math.min(from + MOST_ENTRIES, last.size), newest);
  return nearer.size < last.size ? { checkpoint: nearer, closesDay: false } : { checkpoint: last, closesDay: true };
}

/** Gateways that have statements of a day, and have not archived it. What was carried over from before there were logs has none. */
async function nodesWithout(store: Store, day: string): Promise<string[]> {
  const from = new Date(startOfDay(day));
  const rows = await store
    .selectDistinct({ node: statementSources.node })
    .from(statementHours)
    .innerJoin(statementSources, eq(statementSources.id, statementHours.sourceId))
    .leftJoin(archives, and(eq(archives.node, statementSources.node), eq(archives.day, day), archives.closesDay))
    .where(
      and(
        sql`${statementHours.hour} >= ${from} and ${statementHours.hour} < ${new Date(from.getTime() + DAY_MS)}`,
        ne(statementSources.node, ''),
        sql`${archives.node} is null`,
      ),
    );
  return rows.map((row) => row.node);
}

async function dropDay(store: Store, day: string): Promise<void> {
  await store.transaction(async (tx) => {
    // A reader that takes long keeps the day for now, and not everybody else from reading.
    await tx.execute(sql`set local lock_timeout = '5s'`);
    await tx.execute(sql`select pg_advisory_xact_lock(${PARTITION_LOCK})`);
    for (const table of BY_DAY) await tx.execute(sql.raw(`drop table if exists ${partitionName(table, day)}`));
    const from = new Date(startOfDay(day));
    await tx
      .delete(statementHours)
      .where(sql`${statementHours.hour} >= ${from} and ${statementHours.hour} < ${new Date(from.getTime() + DAY_MS)}`);
  });
}
