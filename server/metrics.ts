import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { approvalRequests } from '../db/schema/approvals';
import { sessions, statements } from '../db/schema/audit';
import { notificationDeliveries } from '../db/schema/notifications';
import { policyState } from '../db/schema/policy';
import type { Store } from '../db/store';
import type { RecorderProcess } from './boot/recorder';
import { principalsUsedUp } from './principals/usage';

/** What `/metrics` shows: counts only, no names, since scrapers do not sign in. Figures of the store are read at each scrape. */
export function createMetrics(options: {
  store: Store;
  gatewayId: string;
  recorder: Pick<RecorderProcess, 'status' | 'restarts'>;
  accepting(): number;
  restarts(): number;
}): Registry {
  const { store, gatewayId, recorder } = options;
  const registers = [new Registry()] as [Registry];
  collectDefaultMetrics({ register: registers[0], prefix: 'gatehouse_' });
  gauge('gatehouse_proxy_workers', 'Proxy workers that accept connections', async () => options.accepting());
  gauge('gatehouse_proxy_worker_restarts', 'Proxy workers replaced since the start', async () => options.restarts());
  gauge('gatehouse_recorder_restarts', 'Recorders replaced since the start', async () => recorder.restarts());
  gauge(
    'gatehouse_journal_lag_bytes',
    'Bytes of journals that are not in the log yet',
    async () => recorder.status()?.journalLagBytes ?? 0,
  );
  gauge('gatehouse_log_entries', 'Entries of the log of this gateway', async () => recorder.status()?.size ?? 0);
  gauge(
    'gatehouse_ship_lag_entries',
    'Entries of the log that are not in the store yet',
    async () => recorder.status()?.shipLagEntries ?? 0,
  );
  gauge('gatehouse_checkpoint_age_seconds', 'Since the log was last signed', async () => {
    const atMs = recorder.status()?.checkpoint?.atMs;
    return atMs === undefined ? 0 : Math.max(0, (Date.now() - atMs) / 1000);
  });
  gauge('gatehouse_sink_lag_entries', 'Entries that the sink which is furthest behind has not taken', async () =>
    Math.max(0, ...(recorder.status()?.sinks ?? []).map(({ waiting }) => waiting)),
  );
  gauge('gatehouse_sink_lost_entries', 'Entries that sinks never get: skipped by their disk budgets, or refused', async () =>
    (recorder.status()?.sinks ?? []).reduce((sum, { lost }) => sum + lost, 0),
  );
  gauge('gatehouse_record_broken', 'Whether an entry of the log is not as it was written', async () =>
    recorder.status()?.broken == null ? 0 : 1,
  );
  gauge('gatehouse_open_sessions', 'Sessions open on this gateway', () =>
    store.$count(sessions, and(eq(sessions.gatewayId, gatewayId), isNull(sessions.endedAt))),
  );
  gauge('gatehouse_pending_approval_requests', 'Statements that wait for a reviewer, on every gateway of this store', () =>
    store.$count(approvalRequests, eq(approvalRequests.status, 'pending')),
  );
  for (const [state, what] of [
    ['pending', 'wait to be delivered'],
    ['dead', 'were given up'],
  ] as const)
    gauge(`gatehouse_${state}_notifications`, `Notifications that ${what}, on every gateway of this store`, () =>
      store.$count(notificationDeliveries, eq(notificationDeliveries.state, state)),
    );
  gauge('gatehouse_policy_version', 'Version of the stored policy', async () => {
    const [row] = await store.select({ version: policyState.version }).from(policyState);
    return row?.version ?? 0;
  });
  gauge('gatehouse_budgets_used_up', 'Principals that have used up a budget of this hour or day', () => principalsUsedUp(store));
  new Gauge({
    name: 'gatehouse_statements_last_5_minutes',
    help: 'Statements of the last five minutes by verdict, on every gateway of this store',
    labelNames: ['verdict'],
    registers,
    async collect() {
      const rows = await store
        .select({ verdict: statements.verdict, count: sql<number>`count(*)::int` })
        .from(statements)
        .where(gt(statements.at, sql`now() - interval '5 minutes'`))
        .groupBy(statements.verdict);
      for (const verdict of ['allow', 'hold', 'deny'] as const) {
        this.set({ verdict }, rows.find((row) => row.verdict === verdict)?.count ?? 0);
      }
    },
  });
  return registers[0];

  function gauge(name: string, help: string, read: () => Promise<number>): void {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
  }
}
