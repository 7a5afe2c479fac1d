import type { Client } from 'pg';
import type { Outcome } from './batch';
import { storableJson } from './copyRows';
import { dayOf, timeOfId } from './days';
import { partitionName } from './partitions';

/** Statements without an outcome whose time is remembered, so that their partition is known. */
const MOST_OPEN = 200_000;

/** When statements that wait for an outcome began, by id. What is forgotten is looked up. */
export class OpenStatements {
  readonly #at = new Map<string, number>();

  began(id: string, atMs: number): void {
    this.#at.set(id, atMs);
    if (this.#at.size <= MOST_OPEN) return;
    const [oldest] = this.#at.keys();
    if (oldest !== undefined) this.#at.delete(oldest);
  }

  ended(id: string): void {
    this.#at.delete(id);
  }

  atMs = (id: string): number | undefined => this.#at.get(id);
}

const DAY_MS = 86_400_000;
/** Between making an id and recording its statement. */
const SLACK_MS = 600_000;

/** Where statements are, as their `at` in milliseconds; those that the store does not have are left out. */
async function findTimes(client: Client, ids: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  if (ids.length === 0) return found;
  const take = async (wanted: readonly string[], from: number | null, to: number | null) => {
    const { rows } = await client.query<{ id: string; ms: string }>(
      `select id, (extract(epoch from at) * 1000)::bigint as ms from statements where id = any($1::text[])
       ${from === null ? '' : `and at >= to_timestamp(${from / 1_000})`} ${to === null ? '' : `and at < to_timestamp(${to / 1_000})`}`,
      [wanted],
    );
    for (const { id, ms } of rows) found.set(id, Number(ms));
  };
  const times = ids.map(timeOfId).filter((time) => time !== null);
  // Their ids say when they were made: one partition or two, not a year of them.
  if (times.length > 0) await take(ids, Math.min(...times) - SLACK_MS, Math.max(...times) + DAY_MS);
  const left = ids.filter((id) => !found.has(id));
  if (left.length > 0) await take(left, null, null);
  return found;
}

/**
 * Writes outcomes of statements that the store has already, each to the partition of its day.
 *
 * @param maskOf id of an outcome's list of masked columns; null where it has none
 */
export async function writeOutcomes(
  client: Client,
  outcomes: ReadonlyMap<string, Outcome>,
  maskOf: (outcome: Outcome) => number | null,
  open: OpenStatements,
): Promise<void> {
  if (outcomes.size === 0) return;
  const found = await findTimes(
    client,
    [...outcomes.keys()].filter((id) => open.atMs(id) === undefined),
  );
  const byDay = new Map<string, Record<string, unknown>[]>();
  for (const [id, outcome] of outcomes) {
    const atMs = open.atMs(id) ?? found.get(id);
    if (atMs === undefined) continue;
    const day = dayOf(atMs);
    const rows = byDay.get(day) ?? [];
    byDay.set(day, rows);
    rows.push(rowOf(id, outcome, maskOf(outcome)));
  }
  for (const [day, rows] of [...byDay].sort(([one], [other]) => (one < other ? -1 : 1))) {
    await client.query(
      `update ${partitionName('statements', day)} s set
         status = o.status,
         request_id = coalesce(o.request_id, s.request_id),
         reviewers = coalesce(o.reviewers, s.reviewers),
         rows = coalesce(o.rows, s.rows),
         bytes = coalesce(o.bytes, s.bytes),
         sqlstate = coalesce(o.sqlstate, s.sqlstate),
         mask_id = coalesce(o.mask_id, s.mask_id),
         detected = coalesce(o.detected, s.detected),
         duration_ms = coalesce(o.duration_ms, s.duration_ms),
         wait_ms = coalesce(o.wait_ms, s.wait_ms),
         upstream_ms = coalesce(o.upstream_ms, s.upstream_ms),
         masking_ms = coalesce(o.masking_ms, s.masking_ms),
         outcome_index = o.outcome_index
       from jsonb_to_recordset($1::jsonb)
         as o(id text, status text, request_id text, reviewers jsonb, rows bigint, bytes bigint, sqlstate text, mask_id bigint, detected jsonb,
              duration_ms real, wait_ms real, upstream_ms real, masking_ms real, outcome_index bigint)
       where s.id = o.id`,
      [storableJson(rows)],
    );
  }
}

function rowOf(id: string, outcome: Outcome, maskId: number | null): Record<string, unknown> {
  return {
    id,
    status: outcome.status,
    request_id: outcome.requestId,
    reviewers: outcome.reviewers,
    rows: outcome.rows,
    bytes: outcome.bytes,
    sqlstate: outcome.sqlstate,
    mask_id: maskId,
    detected: outcome.detected !== null && outcome.detected.length > 0 ? outcome.detected : null,
    duration_ms: outcome.durationMs,
    wait_ms: outcome.waitMs,
    upstream_ms: outcome.upstreamMs,
    masking_ms: outcome.maskingMs,
    outcome_index: outcome.outcomeIndex,
  };
}
