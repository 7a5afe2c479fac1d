import { type Listener, listen } from '../../db/listen';
import type { RequestRow } from '../approvals/shape';
import type { StatementRow } from '../audit/shape';
import { log } from '../log';
import type { SessionRow } from '../sessions/shape';
import { type LiveSource, readRequestNow, readRequestsSince, readSessionsNow, readSessionsSince, readStatementsSince } from './changes';

/** What can be followed, by kind: read once, shown to every subscriber who may see it. */
export interface LiveRows {
  request: RequestRow;
  session: SessionRow;
  statement: StatementRow;
}

type Subscribers = { [K in keyof LiveRows]: Set<(row: LiveRows[K]) => void> };

/** The live tail looks at most this often, however fast statements are shipped. */
const TAIL_EVERY_MS = 250;
/** Sessions that open and end within this time are read together. */
const SESSIONS_EVERY_MS = 100;
/** How far back the tail looks for rows that arrived late or changed their outcome. */
const TAIL_WINDOW_MS = 120_000;

/**
 * One LISTEN connection a process, however many people watch. A notification only wakes: the rows are read from the store, and after a
 * lost connection everything that changed meanwhile is read again.
 */
export class LiveHub {
  readonly #rows: Subscribers = { request: new Set(), session: new Set(), statement: new Set() };
  readonly #policy = new Set<() => void>();
  readonly #listener: Listener;
  #connectedOnce = false;
  #lastSeenAt = new Date();
  #tailTimer: NodeJS.Timeout | undefined;
  readonly #sessionsMoved = new Set<string>();
  #sessionsTimer: NodeJS.Timeout | undefined;
  /** Outcome by statement id, so that a row is shown when it is new or its outcome is. */
  #tailed = new Map<string, string>();

  constructor(
    private readonly source: LiveSource,
    storeUrl: string,
  ) {
    const channels = [
      'gatehouse_approvals',
      'gatehouse_sessions',
      'gatehouse_presence',
      'gatehouse_statements',
      'gatehouse_policy',
    ] as const;
    this.#listener = listen(storeUrl, channels, {
      onNotification: (channel, payload) => {
        switch (channel) {
          case 'gatehouse_approvals':
            return this.#settle(async () => this.#emitAll('request', await readRequestNow(this.source, payload)));
          case 'gatehouse_sessions':
            return this.#scheduleSessions([payload]);
          case 'gatehouse_presence':
            return this.#scheduleSessions(payload.split(' '));
          case 'gatehouse_statements':
            return this.#scheduleTail();
          case 'gatehouse_policy':
            return this.#emitPolicy();
          case 'gatehouse_notifications':
          case 'gatehouse_record':
            return;
          default:
            return channel satisfies never;
        }
      },
      onConnected: () => {
        if (this.#connectedOnce) this.#settle(() => this.#catchUp());
        this.#connectedOnce = true;
      },
      onLost: () => log.warn('live updates: lost the store, reconnecting'),
    });
  }

  /** Calls `onRow` for every change of one kind, and `onPolicy` when principals may have changed, until the returned function is called. */
  async subscribe<K extends keyof LiveRows>(kind: K, onRow: (row: LiveRows[K]) => void, onPolicy: () => void): Promise<() => void> {
    // Nobody followed the tail: what is in the store already is not news.
    if (kind === 'statement' && this.#rows.statement.size === 0) await this.#tail();
    this.#rows[kind].add(onRow);
    this.#policy.add(onPolicy);
    return () => {
      this.#rows[kind].delete(onRow);
      this.#policy.delete(onPolicy);
    };
  }

  close(): Promise<void> {
    clearTimeout(this.#tailTimer);
    clearTimeout(this.#sessionsTimer);
    return this.#listener.close();
  }

  async #catchUp(): Promise<void> {
    const since = new Date(this.#lastSeenAt.getTime() - 5_000);
    this.#emitAll('request', await readRequestsSince(this.source, since));
    this.#emitAll('session', await readSessionsSince(this.source, since));
    this.#emitPolicy();
    this.#scheduleTail();
  }

  #emitAll<K extends 'request' | 'session'>(kind: K, rows: readonly LiveRows[K][]): void {
    this.#lastSeenAt = new Date();
    for (const row of rows) for (const subscriber of this.#rows[kind]) subscriber(row);
  }

  #emitPolicy(): void {
    for (const subscriber of this.#policy) subscriber();
  }

  /** Programs that connect for each statement open hundreds of sessions a second: nobody who watches means nothing to read. */
  #scheduleSessions(ids: readonly string[]): void {
    if (this.#rows.session.size === 0) return;
    for (const id of ids) this.#sessionsMoved.add(id);
    this.#sessionsTimer ??= setTimeout(() => {
      this.#sessionsTimer = undefined;
      const moved = [...this.#sessionsMoved];
      this.#sessionsMoved.clear();
      this.#settle(async () => this.#emitAll('session', await readSessionsNow(this.source, moved)));
    }, SESSIONS_EVERY_MS);
  }

  #scheduleTail(): void {
    if (this.#tailTimer !== undefined || this.#rows.statement.size === 0) return;
    this.#tailTimer = setTimeout(() => {
      this.#tailTimer = undefined;
      this.#settle(() => this.#tail());
    }, TAIL_EVERY_MS);
    this.#tailTimer.unref();
  }

  async #tail(): Promise<void> {
    const rows = await readStatementsSince(this.source, new Date(Date.now() - TAIL_WINDOW_MS));
    const seen = new Map<string, string>();
    for (const row of rows) {
      seen.set(row.id, row.status);
      if (this.#tailed.get(row.id) !== row.status) for (const subscriber of this.#rows.statement) subscriber(row);
    }
    this.#tailed = seen;
  }

  /** A failed read loses nothing for good: the next notification or reconnection reads again. */
  #settle(work: () => Promise<void>): void {
    work().catch((error: unknown) =>
      log.warn({ reason: error instanceof Error ? error.name : 'unknown' }, 'live updates: could not read a change'),
    );
  }
}
