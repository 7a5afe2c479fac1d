import { sql } from 'drizzle-orm';
import type { RecorderStatus } from '../db/schema/auditShapes';
import { policyState } from '../db/schema/policy';
import type { Store } from '../db/store';

export interface Readiness {
  ready: boolean;
  /** Each is `ok`, or what is the matter; no addresses or credentials, since anyone may ask. */
  checks: { store: string; policy: string; proxy: string };
  /** What somebody should look at, and new sessions can still be taken. */
  warnings?: { record?: string };
}

const STORE_DEADLINE_MS = 2_000;

/** Whether this gateway can take a new session: the store answers, there is a policy, and a proxy worker accepts. */
export async function checkReadiness(store: Store, acceptingWorkers: number, record: RecorderStatus | null): Promise<Readiness> {
  const policyVersion = await withDeadline(readPolicyVersion(store));
  const checks = {
    store: policyVersion === undefined ? 'not reachable' : 'ok',
    policy: policyVersion === undefined ? 'unknown' : policyVersion === null ? 'none' : 'ok',
    proxy: acceptingWorkers > 0 ? 'ok' : 'not accepting',
  };
  return { ready: Object.values(checks).every((check) => check === 'ok'), checks, warnings: warningsOf(record) };
}

function warningsOf(record: RecorderStatus | null): { record?: string } {
  if (record?.broken != null) return { record: `broken at entry ${record.broken.index}` };
  if (record !== null && record.refusedJournals.length > 0) return { record: 'a journal of a newer version waits' };
  return {};
}

/** Null: the store answers and has no policy. */
async function readPolicyVersion(store: Store): Promise<number | null> {
  const [row] = await store.select({ version: policyState.version }).from(policyState).where(sql`${policyState.id} = 1`);
  return row?.version ?? null;
}

/** Undefined when it fails or takes too long. */
async function withDeadline<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), STORE_DEADLINE_MS);
  });
  try {
    return await Promise.race([work.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
