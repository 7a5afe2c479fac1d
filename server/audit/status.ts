import { asc } from 'drizzle-orm';
import type { RecorderStatus } from '../../db/schema/auditShapes';
import { nodes } from '../../db/schema/record';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import type { AuditStatus, LogStatus } from './integrity';

/** A recorder speaks every two seconds; one that was not heard of for so long has stopped, or its gateway has. */
const SILENT_AFTER_MS = 20_000;

/** The logs of every gateway on this store, as their recorders last said. */
export async function auditStatus({ store, actor }: Call): Promise<AuditStatus> {
  demand(actor, 'audit:own');
  const rows = await store.select().from(nodes).orderBy(asc(nodes.name));
  return { nodes: rows.map((row) => logStatus(row, Date.now())) };
}

function logStatus({ name, publicKey, seenAt, status }: typeof nodes.$inferSelect, nowMs: number): LogStatus {
  const silentMs = nowMs - seenAt.getTime();
  const checkpoint = status?.checkpoint ?? null;
  return {
    node: name,
    size: status?.size ?? 0,
    checkpoint:
      checkpoint === null ? null : { size: checkpoint.size, root: checkpoint.root, at: new Date(checkpoint.atMs), note: checkpoint.note },
    lag: { journalBytes: status?.journalLagBytes ?? 0, entries: status?.shipLagEntries ?? 0 },
    witnesses: (status?.witnesses ?? []).map(({ name: witness, size, atMs, error }) => ({
      name: witness,
      ok: error === null,
      size,
      at: atMs === null ? null : new Date(atMs),
      error,
    })),
    sinks: (status?.sinks ?? []).map(({ name: sink, waiting, lost, error, atMs }) => ({
      name: sink,
      waiting,
      lost,
      error,
      at: atMs === null ? null : new Date(atMs),
    })),
    broken: status?.broken ?? null,
    publicKey,
    checkedAt: status?.verified.completedAtMs == null ? null : new Date(status.verified.completedAtMs),
    seenAt,
    trouble: silentMs > SILENT_AFTER_MS ? `not heard of for ${Math.round(silentMs / 1000)} s` : status === null ? null : troubleOf(status),
  };
}

const troubleOf = ({ refusedJournals, trouble }: RecorderStatus): string | null => refusedJournals[0]?.why ?? trouble;
