/**
 * System relations that hold or show values of user columns, other sessions' statements, or this session's own texts: histograms and
 * most common values, activity, prepared statements, large objects. Refused while a principal has masks.
 */
export const SENSITIVE_CATALOGS: ReadonlySet<string> = new Set([
  ...['pg_stats', 'pg_statistic', 'pg_stats_ext', 'pg_stats_ext_exprs', 'pg_statistic_ext_data', 'pg_stat_activity'],
  ...['pg_stat_statements', 'pg_largeobject', 'pg_prepared_statements', 'pg_cursors'],
]);

/** System relations that hold passwords, password hashes or connection strings: refused to everyone unless a rule allows them by name. */
export const SECRET_CATALOGS: ReadonlySet<string> = new Set([
  ...['pg_authid', 'pg_shadow', 'pg_user_mapping', 'pg_user_mappings', 'pg_subscription', 'pg_hba_file_rules', 'pg_ident_file_mappings'],
  'pg_file_settings',
]);
