import type { Refusal } from './functions';

/**
 * Settings a client may change: they shape time, text and plans, not what a statement means or who runs it. Everything else is refused:
 * role and session_authorization change whose rights apply, session_replication_role switches
 * triggers off, row_security and custom settings can decide what row-level security shows.
 */
const ALLOWED: ReadonlySet<string> = new Set([
  ...['application_name', 'array_nulls', 'bytea_output', 'client_min_messages', 'constraint_exclusion', 'cursor_tuple_fraction'],
  ...['datestyle', 'deadlock_timeout', 'default_text_search_config', 'default_transaction_deferrable', 'default_transaction_isolation'],
  ...['default_transaction_read_only', 'escape_string_warning', 'extra_float_digits', 'force_parallel_mode', 'from_collapse_limit'],
  ...['gin_fuzzy_search_limit', 'hash_mem_multiplier', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'intervalstyle'],
  ...['jit', 'join_collapse_limit', 'lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time', 'lock_timeout', 'maintenance_work_mem'],
  ...['max_parallel_workers_per_gather', 'parallel_leader_participation', 'plan_cache_mode', 'quote_all_identifiers', 'random_page_cost'],
  ...['search_path', 'seq_page_cost', 'statement_timeout', 'synchronous_commit', 'temp_buffers', 'timezone', 'transaction_deferrable'],
  ...['transaction_isolation', 'transaction_read_only', 'transaction_timeout', 'work_mem', 'xmlbinary', 'xmloption', 'seed'],
  ...['effective_cache_size', 'effective_io_concurrency', 'cpu_tuple_cost', 'cpu_index_tuple_cost', 'cpu_operator_cost', 'geqo'],
  ...['password_encryption', 'icu_validation_level', 'recursive_worktable_factor', 'vacuum_cost_delay', 'default_table_access_method'],
  ...['synchronize_seqscans', 'check_function_bodies', 'default_tablespace', 'default_with_oids', 'stats_fetch_consistency'],
]);

/** Settings on which the meaning of the bytes depends: one value only. */
const PINNED: Readonly<Record<string, readonly string[]>> = {
  client_encoding: ['utf8', 'utf-8', 'unicode'],
  standard_conforming_strings: ['on', 'true', '1', 'yes'],
};

/**
 * Why a client may not give a setting this value; null when it may. `value` null means the default, undefined means that the text does
 * not say (a parameter).
 */
export function settingProblem(setting: string, value: string | null | undefined): Refusal | null {
  const name = setting.toLowerCase();
  const pinned = PINNED[name];
  if (pinned !== undefined) {
    if (value === null) return null;
    if (value !== undefined && pinned.includes(value.toLowerCase())) return null;
    return { why: `${name} must stay ${pinned[0] ?? ''}`, unless: 'never' };
  }
  if (ALLOWED.has(name) || name.startsWith('enable_')) return null;
  if (name === 'row_security' && (value === null || ['on', 'true', '1'].includes(value?.toLowerCase() ?? ''))) return null;
  if (value === null && !name.includes('.')) return null;
  return { why: `the setting ${name} may not be changed through the gateway`, unless: 'unrestricted' };
}
