import type { HeldState } from '../../db/schema/shapes';

/**
 * What the session has set, as one cell of JSON, asked for in the session itself. Settings of the application's own (with a dot in their
 * name) are not among them: PostgreSQL does not list those. Every name is qualified: search_path is the client's.
 */
export const SESSION_SETTINGS_SQL = [
  `SELECT pg_catalog.json_build_object('role', current_user, 'settings', (SELECT pg_catalog.json_object_agg(s.name, s.setting)`,
  ` FROM pg_catalog.pg_settings s WHERE s.source OPERATOR(pg_catalog.=) ANY (ARRAY['session', 'client']::pg_catalog.text[])))::pg_catalog.text`,
].join('');

/** The answer; null where it says nothing we understand. Pure. */
export function readSessionSettings(cell: string | null): Pick<HeldState, 'role' | 'settings' | 'asked'> | null {
  try {
    const { role, settings } = JSON.parse(cell ?? '') as { role?: unknown; settings?: unknown };
    if (typeof role !== 'string') return null;
    const entries = Object.entries(settings ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    return { role, settings: Object.fromEntries(entries), asked: true };
  } catch {
    return null;
  }
}

/** They say how long something may take and in what kind of transaction, which is ours to say, or are no part of what a statement does. */
const OURS: ReadonlySet<string> = new Set([
  ...['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout'],
  ...['transaction_isolation', 'transaction_read_only', 'transaction_deferrable', 'default_transaction_read_only'],
  ...['application_name', 'client_encoding', 'role', 'session_authorization', 'is_superuser', 'options', 'replication', 'log_statement'],
]);

/** The settings to make on a side connection so that a statement means there what it means in its session. Pure. */
export function settingsToMake(state: HeldState): [string, string][] {
  return Object.entries(state.settings ?? {}).filter(([name]) => !OURS.has(name.toLowerCase()));
}
