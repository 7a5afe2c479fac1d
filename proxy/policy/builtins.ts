/**
 * PostgreSQL's own functions that are not IMMUTABLE, sorted by what they can do. A built-in that is on no
 * list and not immutable counts as opaque, so a new server version can only be refused more, never trusted by accident.
 */

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Compute their result from their arguments, the clock, randomness, or catalogs that every role may read. */
export const SAFE: ReadonlySet<string> = new Set(
  words(`
  now clock_timestamp statement_timestamp transaction_timestamp timeofday age date date_add date_part date_subtract date_trunc extract
  make_timestamptz overlaps time timestamp timestamptz timetz timezone to_char to_date to_number to_timestamp generate_series in_range
  random random_normal gen_random_uuid uuidv4 uuidv7 array_sample array_shuffle
  concat concat_ws format length convert convert_from convert_to quote_literal quote_nullable anytextcat textanycat money numeric
  array_to_json array_to_string json_agg json_agg_strict json_build_array json_build_object json_object_agg json_object_agg_strict
  json_object_agg_unique json_object_agg_unique_strict json_populate_record json_populate_recordset json_to_record json_to_recordset
  json_to_tsvector jsonb_agg jsonb_agg_strict jsonb_build_array jsonb_build_object jsonb_object_agg jsonb_object_agg_strict
  jsonb_object_agg_unique jsonb_object_agg_unique_strict jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_array_tz
  jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record jsonb_populate_record_valid jsonb_populate_recordset
  jsonb_to_record jsonb_to_recordset jsonb_to_tsvector row_to_json to_json to_jsonb xml xml_is_well_formed
  phraseto_tsquery plainto_tsquery to_tsquery to_tsvector ts_debug ts_headline ts_match_tq ts_match_tt ts_parse ts_token_type
  websearch_to_tsquery get_current_ts_config enum_first enum_last enum_range
  current_database current_query current_schema current_schemas current_setting current_user session_user system_user getpgusername
  getdatabaseencoding version inet_client_addr inet_client_port inet_server_addr inet_server_port currval lastval nextval
  txid_current txid_current_if_assigned txid_current_snapshot txid_status mxid_age
  aclexplode col_description obj_description shobj_description format_type oidvectortypes row_security_active
  to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure to_regrole to_regtype to_regtypemod
  regclass pg_available_extension_versions pg_available_extensions pg_backend_pid pg_basetype pg_blocking_pids pg_char_to_encoding
  pg_client_encoding pg_collation_actual_version pg_collation_for pg_column_compression pg_column_is_updatable pg_column_size
  pg_conf_load_time pg_config pg_current_snapshot pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
  pg_current_xact_id pg_current_xact_id_if_assigned pg_database_collation_actual_version pg_database_size pg_describe_object
  pg_encoding_to_char pg_extension_update_paths pg_filenode_relation pg_get_acl pg_get_catalog_foreign_keys pg_get_constraintdef
  pg_get_expr pg_get_function_arg_default pg_get_function_arguments pg_get_function_identity_arguments pg_get_function_result
  pg_get_function_sqlbody pg_get_functiondef pg_get_indexdef pg_get_keywords pg_get_object_address pg_get_partition_constraintdef
  pg_get_partkeydef pg_get_publication_tables pg_get_replica_identity_index pg_get_ruledef pg_get_sequence_data pg_get_serial_sequence
  pg_get_statisticsobjdef pg_get_statisticsobjdef_columns pg_get_triggerdef pg_get_userbyid
  pg_get_viewdef pg_get_wait_events pg_has_role pg_identify_object pg_identify_object_as_address pg_index_column_has_property
  pg_index_has_property pg_indexam_has_property pg_indexes_size pg_input_error_info pg_input_is_valid pg_is_in_recovery
  pg_is_other_temp_schema pg_is_wal_replay_paused pg_jit_available pg_last_committed_xact pg_last_wal_receive_lsn
  pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_listening_channels pg_lock_status pg_my_temp_schema
  pg_notification_queue_usage pg_options_to_table pg_partition_ancestors pg_partition_root pg_partition_tree
  pg_postmaster_start_time pg_relation_filenode pg_relation_is_publishable pg_relation_is_updatable pg_relation_size
  pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_sequence_parameters pg_settings_get_flags pg_show_all_settings
  pg_table_size pg_tablespace_databases pg_tablespace_location pg_tablespace_size pg_timezone_abbrevs pg_timezone_abbrevs_abbrevs
  pg_timezone_abbrevs_zone pg_timezone_names pg_total_relation_size pg_trigger_depth pg_typeof pg_xact_commit_timestamp
  pg_xact_status pg_get_replication_slots pg_isolation_test_session_is_blocked pg_get_multixact_members
  record_out record_in array_in array_out domain_in enum_in enum_out regclassin regclassout regtypein regtypeout regprocin regprocout
  _pg_expandarray _pg_keysequal _pg_index_position _pg_truetypid _pg_truetypmod _pg_char_max_length _pg_char_octet_length
  _pg_numeric_precision _pg_numeric_precision_radix _pg_numeric_scale _pg_datetime_precision _pg_interval_type
`),
);

/** Families of safe functions by the form of their names. */
export const SAFE_FORMS: readonly RegExp[] = [/_is_visible$/, /^has_\w+_privilege$/, /^(date|timestamp|timestamptz|interval)_\w+$/];

/** Counters of the statistics collector: numbers about relations and backends, no values and no statement texts. */
export const COUNTER_FORM = /^pg_stat_get_(?!activity$|backend_activity$|progress_info$|wal_senders$|subscription$)\w+$/;

/** Change something beyond the result; harmless when every argument is a constant or a parameter. */
export const CONSTANT_ARGUMENTS: ReadonlySet<string> = new Set(
  words(`
  setval setseed pg_notify pg_sleep pg_sleep_for pg_sleep_until
  pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared pg_advisory_xact_lock
  pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock
  pg_try_advisory_xact_lock_shared
`),
);

/** Take locks that other sessions wait for, as LOCK does; pools give all of them back between clients. */
export const ADVISORY_LOCK_FORM = /^pg_(try_)?advisory_(?!unlock)/;

/** Of the functions below, those that read or write files of the server. */
export const FILE_FORM = /^(pg_read_|pg_stat_file$|pg_ls_|pg_file_|lo_import$|lo_export$|pg_current_logfile$|pg_hba_file|pg_ident_file)/;

/** Extensions whose functions speak to other servers. */
export const NETWORK_EXTENSIONS: ReadonlySet<string> = new Set(
  words('dblink postgres_fdw http pg_net pgsql-http aws_s3 aws_lambda aws_commons azure_storage google_ml_integration plproxy'),
);

/** Reach files, processes, replication or the server itself: refused unless a rule allows them by name. */
export const ADMIN: ReadonlySet<string> = new Set(
  words(`
  pg_read_file pg_read_binary_file pg_stat_file lo_import lo_export lo_unlink pg_terminate_backend pg_cancel_backend pg_reload_conf
  pg_switch_wal pg_promote pg_rotate_logfile pg_current_logfile pg_relation_filepath pg_create_restore_point pg_export_snapshot
  pg_wal_replay_pause pg_wal_replay_resume pg_log_backend_memory_contexts pg_log_standby_snapshot pg_import_system_collations
  pg_hba_file_rules pg_ident_file_mappings pg_show_all_file_settings pg_backup_start pg_backup_stop pg_sync_replication_slots
  pg_create_logical_replication_slot pg_create_physical_replication_slot pg_drop_replication_slot pg_replication_slot_advance
  pg_copy_logical_replication_slot pg_copy_physical_replication_slot pg_logical_slot_get_changes pg_logical_slot_get_binary_changes
  pg_logical_slot_peek_changes pg_logical_slot_peek_binary_changes pg_logical_emit_message pg_extension_config_dump
  pg_clear_attribute_stats pg_clear_relation_stats pg_restore_attribute_stats pg_restore_relation_stats pg_nextoid
  pg_stop_making_pinned_objects loread lowrite
`),
);
export const ADMIN_FORMS: readonly RegExp[] = [
  /^pg_ls_/,
  /^pg_file_/,
  /^pg_stat_reset/,
  /^binary_upgrade_/,
  /^pg_replication_origin_/,
  /^pg_control_/,
];

/** Immutable by declaration, and yet they run text or read rows that are not in their arguments. */
export const READS_BY_TEXT: ReadonlySet<string> = new Set(
  words(`
  query_to_xml query_to_xmlschema query_to_xml_and_xmlschema table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml
  schema_to_xmlschema schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema database_to_xml_and_xmlschema cursor_to_xml
  cursor_to_xmlschema ts_stat ts_rewrite currtid2 pg_get_statisticsobjdef_expressions pg_mcv_list_items
`),
);

/** Extensions whose functions, operators and casts compute from their arguments alone. */
export const TRUSTED_EXTENSIONS: ReadonlySet<string> = new Set(
  words(`
  hstore pgcrypto pg_trgm citext uuid-ossp fuzzystrmatch unaccent ltree intarray cube earthdistance isn btree_gin btree_gist seg
  dict_int dict_xsyn vector
`),
);

/** Extensions with functions that drop tables or read statistics among those that compute: only what is IMMUTABLE is trusted. */
export const TRUSTED_WHEN_IMMUTABLE: ReadonlySet<string> = new Set(['postgis']);

/** Whether an operator or cast of that extension computes from its operands alone; false for what belongs to none. */
export function isTrustedOperator(extension: string | null): boolean {
  return extension !== null && (TRUSTED_EXTENSIONS.has(extension) || TRUSTED_WHEN_IMMUTABLE.has(extension));
}
