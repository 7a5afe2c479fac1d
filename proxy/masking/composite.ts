/** PostgreSQL's own functions that take a whole row: written as `row.function` they look like a column. */
export const COMPOSITE_FUNCTIONS: ReadonlySet<string> = new Set([
  ...['array_agg', 'array_append', 'array_prepend', 'concat', 'concat_ws', 'count', 'format', 'hash_record', 'hash_record_extended'],
  ...['hstore', 'json_agg', 'json_agg_strict', 'json_build_array', 'json_build_object', 'jsonb_agg', 'jsonb_agg_strict'],
  ...['jsonb_build_array', 'jsonb_build_object', 'lag', 'lead', 'max', 'min', 'mode', 'first_value', 'last_value', 'nth_value'],
  ...['num_nonnulls', 'num_nulls', 'pg_column_size', 'pg_typeof', 'quote_literal', 'quote_nullable', 'record_out', 'record_send'],
  ...['row_to_json', 'text', 'to_json', 'to_jsonb', 'any_value', 'json_arrayagg', 'pg_column_compression', 'percentile_disc'],
  ...['xmlforest', 'unnest', 'json_populate_record', 'jsonb_populate_record', 'populate_record', 'varchar', 'bpchar', 'name'],
]);
