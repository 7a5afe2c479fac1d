import { sql } from 'drizzle-orm';
import type { Store } from '../../db/store';

/** What the store, and by it the console, hears of sessions that opened and ended: together, and soon. */
export interface Presence {
  /** It runs, and may be ended from outside from now on. */
  opened(id: string): void;
  /** @param atOnce somebody may be waiting for its place: it counts towards a limit */
  ended(id: string, reason: string, atOnce: boolean): void;
  /** Writes what is left. */
  close(): Promise<void>;
}

/** At most one statement in this time, however many sessions come and go. */
const EVERY_MS = 100;
const RETRY_MS = 1_000;
/** A notification holds 8,000 bytes. */
const IDS_A_NOTIFICATION = 100;

interface Moved {
  opened: Set<string>;
  /** Reason by id. */
  ended: Map<string, string>;
}

/**
 * Programs that connect for each of their statements end sessions as often as they begin them, so that both are gathered. What the store
 * did not take is tried until it does: the place of a session that has ended must not stay taken.
 *
 * @param onKill told of each opened session that somebody asked to end before this worker could hear of it
 */
export function createPresence(options: { store: Store; onKill(id: string): void; onError(error: unknown): void }): Presence {
  let moved: Moved = { opened: new Set(), ended: new Map() };
  let timer: NodeJS.Timeout | undefined;
  let notBeforeMs = 0;
  let closed = false;

  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const { opened, ended } = moved;
    if (opened.size + ended.size === 0) return;
    moved = { opened: new Set(), ended: new Map() };
    notBeforeMs = performance.now() + EVERY_MS;
    try {
      for (const id of await write(options.store, { opened, ended })) options.onKill(id);
    } catch (error) {
      options.onError(error);
      for (const id of opened) moved.opened.add(id);
      for (const [id, reason] of ended) moved.ended.set(id, reason);
      notBeforeMs = performance.now() + RETRY_MS;
      soon();
    }
  };
  const soon = () => {
    if (!closed) timer ??= setTimeout(() => void flush(), Math.max(0, notBeforeMs - performance.now()));
  };

  return {
    opened(id) {
      moved.opened.add(id);
      soon();
    },
    ended(id, reason, atOnce) {
      moved.ended.set(id, reason);
      if (atOnce) void flush();
      else soon();
    },
    close() {
      closed = true;
      return flush();
    },
  };
}

/** The opened ones that somebody asked to end. Rows are locked in the order of their ids: nobody waits for each other. */
async function write(store: Store, { opened, ended }: Moved): Promise<string[]> {
  const ids = [...new Set([...opened, ...ended.keys()])];
  const notifications = Array.from({ length: Math.ceil(ids.length / IDS_A_NOTIFICATION) }, (_, part) =>
    ids.slice(part * IDS_A_NOTIFICATION, (part + 1) * IDS_A_NOTIFICATION).join(' '),
  );
  const { rows } = await store.execute<{ killed: string[] }>(sql`
    with ending as (select * from unnest(${sql.param([...ended.keys()])}::text[], ${sql.param([...ended.values()])}::text[]) as e (id, reason)),
      locked as (select s.id from sessions s where s.id in (select id from ending) order by s.id for update),
      ended as (
        update sessions s set ended_at = now(), end_reason = ending.reason
        from ending join locked using (id) where s.id = ending.id
      )
    select array(select id from sessions where id = any(${sql.param([...opened])}::text[]) and kill_requested_at is not null) as killed,
      (select count(pg_notify('gatehouse_presence', ids)) from unnest(${sql.param(notifications)}::text[]) as ids) as said
  `);
  return rows[0]?.killed ?? [];
}
