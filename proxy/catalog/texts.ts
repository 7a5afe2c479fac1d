import type pg from 'pg';
import { LOCKED } from './queries';

/** How long a catalog query may wait for a lock. It is about the system's own tables, which nobody locks for long. */
export const LOCK_TIMEOUT_MS = 1_000;
/** The first try waits a little, so that a quick ALTER is no reason; then nothing is waited for. */
const FIRST_TRY_MS = 300;
const NEXT_TRY_MS = 20;
/** What one reading of the catalog may spend on what is locked; behind it everything that is not read yet counts as locked. */
export const TEXTS_BUDGET_MS = 1_500;

/** lock_not_available; deadlock_detected, where the upstream's deadlock_timeout is shorter than our wait. */
const LOCKED_OUT: ReadonlySet<unknown> = new Set(['55P03', '40P01']);

export interface Texts<T> {
  rows: readonly T[];
  /** The OIDs that could not be read without waiting. */
  locked: ReadonlySet<number>;
}

/**
 * Runs a query whose only parameter is the OIDs it reads, inside the caller's transaction, without waiting for other sessions' locks: what
 * is known to be locked is left out, and where a batch fails all the same it is halved until what fails stands alone.
 * @param endsAtMs by performance.now(); then the rest counts as locked
 */
export async function readTexts<T extends pg.QueryResultRow>(
  client: pg.ClientBase,
  sql: string,
  oids: readonly number[],
  endsAtMs: number,
): Promise<Texts<T>> {
  if (oids.length === 0) return { rows: [], locked: new Set() };
  const whole = await tryRead<T>(client, sql, oids, FIRST_TRY_MS);
  if (whole !== null) return { rows: whole, locked: new Set() };
  const excluded = new Set((await client.query<{ oid: number }>(LOCKED)).rows.map(({ oid }) => oid));
  const locked = new Set(oids.filter((oid) => excluded.has(oid)));
  const rows: T[] = [];
  const batches = [oids.filter((oid) => !excluded.has(oid))];
  for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
    if (batch.length === 0) continue;
    const read = performance.now() < endsAtMs ? await tryRead<T>(client, sql, batch, NEXT_TRY_MS) : null;
    if (read !== null) rows.push(...read);
    else if (batch.length === 1 || performance.now() >= endsAtMs) for (const oid of batch) locked.add(oid);
    else batches.push(batch.slice(0, batch.length >> 1), batch.slice(batch.length >> 1));
  }
  return { rows, locked };
}

/** Null when a lock stood in the way; the savepoint gives back what was locked until then. */
async function tryRead<T extends pg.QueryResultRow>(
  client: pg.ClientBase,
  sql: string,
  oids: readonly number[],
  waitMs: number,
): Promise<T[] | null> {
  await client.query(`SAVEPOINT texts; SET LOCAL lock_timeout = ${waitMs}`);
  try {
    const { rows } = await client.query<T>(sql, [oids]);
    await client.query(`RELEASE SAVEPOINT texts; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    return rows;
  } catch (error) {
    if (!LOCKED_OUT.has((error as { code?: unknown }).code)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT texts; RELEASE SAVEPOINT texts');
    return null;
  }
}
