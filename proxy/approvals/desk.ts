import { and, eq, inArray, ne, sql } from 'drizzle-orm';
import { queueRequestEvent } from '../../db/notifications/queue';
import { approvalDecisions, approvalRequests } from '../../db/schema/approvals';
import type { Reviewer } from '../../db/schema/shapes';
import type { Store } from '../../db/store';
import { type ApprovedRows, approvedRows } from '../preview/tolerance';
import { announceBreakGlass, type BreakGlassUse } from './breakGlass';
import { type Claim, claim, expireUnclaimed, fileOrAdopt, rejectionOf, reviewersOf } from './claim';
import { type Granted, takeGrant } from './grants';

type NewRequest = typeof approvalRequests.$inferInsert;
export type HoldRequest = Omit<
  NewRequest,
  'id' | 'gatewayId' | 'workerId' | 'status' | 'waiting' | 'told' | 'createdAt' | 'decidedAt' | 'endedAt'
>;

/** How a hold ends. */
export type HoldEnd =
  | { kind: 'approved'; most?: ApprovedRows }
  | { kind: 'rejected'; reviewer: string; reason: string }
  | { kind: 'expired' }
  | { kind: 'withdrawn' };

/**
 * The one end every held statement has, and who had decided on it by then. Only `approved` may be forwarded, and by then the store says
 * `executed`.
 */
export type HoldOutcome = HoldEnd & { reviewers: readonly Reviewer[] };

export interface Hold {
  requestId: string;
  /** When it ends undecided; earlier than was asked for where it takes up a request that was left behind. */
  expiresAt: Date;
  outcome: Promise<HoldOutcome>;
  /** The client cancelled or left. */
  withdraw(): void;
}

export interface Desk {
  /**
   * Files the request and waits for its decision. @throws when the store cannot take it: the statement must be refused.
   * `onProgress` is told each time an approval arrives that is not yet enough.
   */
  hold(request: HoldRequest, onProgress: (approvals: number) => void): Promise<Hold>;
  /** The same for a client that does not wait: what its statement finds now. @throws as {@link hold} */
  claim(request: HoldRequest): Promise<Claim>;
  /** The grant that lets it run without a request of its own; null without one. @throws as {@link hold} */
  granted(request: HoldRequest): Promise<Granted | null>;
  /** Announces that a statement runs without its approval. @throws as {@link hold} */
  breakGlass(use: BreakGlassUse): Promise<void>;
  /** A notification named this request; the row is read, the notification itself says nothing. */
  wake(requestId: string): void;
  /** Notifications may have been missed: read every open request again. */
  wakeAll(): void;
  close(): void;
}

interface Waiting {
  sessionId: string;
  required: number;
  phase: 'waiting' | 'consuming' | 'settled';
  reviewers: readonly Reviewer[];
  withdrawn: boolean;
  timer: NodeJS.Timeout;
  settle(outcome: HoldOutcome): void;
  onProgress(approvals: number): void;
}

/** How often open requests are read again in case a notification was lost. */
const RECHECK_MS = 5_000;

export function createDesk(options: { store: Store; gatewayId: string; workerId: string; now: () => Date }): Desk {
  const { store, now } = options;
  const waiting = new Map<string, Waiting>();
  const recheck = setInterval(() => {
    wakeAll();
    void expireUnclaimed(store, now()).catch(() => undefined);
  }, RECHECK_MS);
  recheck.unref();

  const finish = (id: string, entry: Waiting, outcome: HoldEnd) => {
    if (entry.phase === 'settled') return;
    entry.phase = 'settled';
    clearTimeout(entry.timer);
    waiting.delete(id);
    entry.settle({ ...outcome, reviewers: entry.reviewers });
  };

  /** Moves the row on if it still stands where we think and is still this session's; true when it did. */
  const move = (
    { id, sessionId }: { id: string; sessionId: string },
    from: NewRequest['status'][],
    to: 'withdrawn' | 'expired' | 'executed',
  ) =>
    store.transaction(async (tx) => {
      const moved = await tx
        .update(approvalRequests)
        .set({ status: to, endedAt: now() })
        .where(
          and(
            eq(approvalRequests.id, id),
            eq(approvalRequests.sessionId, sessionId),
            inArray(
              approvalRequests.status,
              from.filter((status) => status !== undefined),
            ),
          ),
        )
        .returning({ id: approvalRequests.id });
      if (moved.length === 0) return false;
      await queueRequestEvent(tx, `request.${to}`, id);
      await tx.execute(sql`select pg_notify('gatehouse_approvals', ${id})`);
      return true;
    });

  const check = async (id: string) => {
    const entry = waiting.get(id);
    if (entry === undefined || entry.phase !== 'waiting') return;
    const [row] = await store.select().from(approvalRequests).where(eq(approvalRequests.id, id));
    // Read behind the row, so that nobody is missing whom its status rests on.
    const reviewers = row === undefined ? [] : await reviewersOf(store, id);
    // While we read, another wake-up may have begun to take the approval: what it wrote is not news.
    if (entry.phase !== 'waiting') return;
    // Gone, or taken up by another session because ours was thought dead.
    if (row === undefined || row.sessionId !== entry.sessionId) return finish(id, entry, { kind: 'withdrawn' });
    const before = approvalsOf(entry.reviewers);
    // Two wake-ups may read beside each other, and the slower one the less.
    if (reviewers.length >= entry.reviewers.length) entry.reviewers = reviewers;
    switch (row.status) {
      case 'pending':
        if (approvalsOf(reviewers) > before) entry.onProgress(approvalsOf(reviewers));
        return;
      case 'approved':
        return consume(id, entry, approvedRows(row));
      case 'rejected':
        return finish(id, entry, { kind: 'rejected', ...(await rejectionOf(store, id)) });
      case 'expired':
        return finish(id, entry, { kind: 'expired' });
      // Executed by no one we know of: whoever moved it, this statement must not run for it.
      case 'executed':
      case 'withdrawn':
        return finish(id, entry, { kind: 'withdrawn' });
      default:
        row.status satisfies never;
    }
  };

  /** Takes the approval for this one run. A client that left meanwhile gives it back as withdrawn. */
  const consume = async (id: string, entry: Waiting, most: ApprovedRows | null) => {
    if (entry.phase !== 'waiting') return;
    entry.phase = 'consuming';
    try {
      const taken = await move({ id, sessionId: entry.sessionId }, ['approved'], 'executed');
      if (entry.withdrawn) {
        if (taken) await move({ id, sessionId: entry.sessionId }, ['executed'], 'withdrawn');
        return finish(id, entry, { kind: 'withdrawn' });
      }
      finish(id, entry, taken ? { kind: 'approved', ...(most === null ? {} : { most }) } : { kind: 'withdrawn' });
    } catch {
      // The store did not answer: not consumed as far as we know, so it waits; an unknown outcome never runs the statement.
      entry.phase = 'waiting';
      if (entry.withdrawn) finish(id, entry, { kind: 'withdrawn' });
    }
  };

  const checkQuietly = (id: string) => void check(id).catch(() => undefined);

  const expire = (id: string, entry: Waiting) => {
    if (entry.phase !== 'waiting') return;
    // An approval that came in the last instant still counts: the conditional update decides.
    move({ id, sessionId: entry.sessionId }, ['pending'], 'expired')
      .then((moved) => (moved ? finish(id, entry, { kind: 'expired' }) : check(id)))
      .catch(() => finish(id, entry, { kind: 'expired' }));
  };

  /** Two questions however many wait; only those something has become of are looked at one by one. */
  const findNews = async () => {
    const ids = [...waiting.keys()];
    if (ids.length === 0) return;
    const moved = await store
      .select({ id: approvalRequests.id })
      .from(approvalRequests)
      .where(and(sql`${approvalRequests.id} = any(${sql.param(ids)})`, ne(approvalRequests.status, 'pending')));
    const several = ids.filter((id) => (waiting.get(id)?.required ?? 1) > 1);
    const progressed =
      several.length === 0
        ? []
        : await store
            .selectDistinct({ id: approvalDecisions.requestId })
            .from(approvalDecisions)
            .where(sql`${approvalDecisions.requestId} = any(${sql.param(several)})`);
    for (const { id } of [...moved, ...progressed]) checkQuietly(id);
  };
  const wakeAll = () => void findNews().catch(() => undefined);

  return {
    async hold(request, onProgress) {
      const { id, expiresAt } = await fileOrAdopt(store, request, options, now());
      const outcome = new Promise<HoldOutcome>((settle) => {
        const entry: Waiting = {
          sessionId: request.sessionId,
          required: request.required,
          phase: 'waiting',
          reviewers: [],
          withdrawn: false,
          settle,
          onProgress,
          timer: setTimeout(() => expire(id, entry), Math.max(0, expiresAt.getTime() - now().getTime())),
        };
        waiting.set(id, entry);
      });
      // A very fast reviewer may have decided before we were listening for this id.
      checkQuietly(id);
      return {
        requestId: id,
        expiresAt,
        outcome,
        withdraw() {
          const entry = waiting.get(id);
          if (entry === undefined) return;
          entry.withdrawn = true;
          if (entry.phase !== 'waiting') return;
          // The client is answered at once; the row follows, and until it has, nobody can run it: only this desk consumes.
          finish(id, entry, { kind: 'withdrawn' });
          void move({ id, sessionId: request.sessionId }, ['pending', 'approved'], 'withdrawn').catch(() => undefined);
        },
      };
    },
    claim: (request) => claim(store, request, options, now()),
    granted: (request) => takeGrant(store, request),
    breakGlass: (use) => announceBreakGlass(store, use),
    wake: checkQuietly,
    wakeAll,
    close() {
      clearInterval(recheck);
      for (const entry of waiting.values()) clearTimeout(entry.timer);
    },
  };
}

const approvalsOf = (reviewers: readonly Reviewer[]): number => reviewers.filter(({ decision }) => decision === 'approve').length;
