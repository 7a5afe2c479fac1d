import type { Client } from 'pg';
import { nextDay } from './days';

/** Tables that hold a day in a partition, and lose it whole. */
export const BY_DAY = ['statements', 'statement_values', 'transactions', 'recorded_results', 'sign_in_failures'] as const;
export type DayTable = (typeof BY_DAY)[number];

/** `statements_20261126` */
export const partitionName = (table: DayTable, day: string): string => `${table}_${day.replaceAll('-', '')}`;

/** Any fixed number that is ours: gateways that make the same day's partitions do it one after the other. */
export const PARTITION_LOCK = 4_207_113_047;

/**
 * Makes the partitions of a UTC day where they are missing. A table is made beside and attached, which stops no reader or writer of other
 * days, as CREATE TABLE … PARTITION OF would.
 */
export async function makePartitions(client: Client, day: string): Promise<void> {
  await client.query('begin');
  try {
    await client.query('select pg_advisory_xact_lock($1)', [PARTITION_LOCK]);
    for (const table of BY_DAY) {
      const name = partitionName(table, day);
      const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [name]);
      if (rows[0]?.there === true) continue;
      await client.query(`create table ${name} (like ${table} including defaults including indexes including storage)`);
      if (table === 'statements') {
        await client.query(`alter index if exists ${name}_words_idx set (gin_pending_list_limit = 8192)`);
        // A trigger for each statement fires on the table that is named: outcomes are written to the partition itself.
        await client.query(`create trigger statements_recount after update on ${name} referencing old table as before new table as after
          for each statement execute function recount_statements()`);
      }
      await client.query(
        `alter table ${table} attach partition ${name} for values from ('${day}T00:00:00Z') to ('${nextDay(day)}T00:00:00Z')`,
      );
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
