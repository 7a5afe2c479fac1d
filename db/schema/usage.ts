import { bigint, customType, index, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { principals } from './identity';

const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** What a principal has used up in one hour or day (UTC), over all its sessions on every gateway of the store. Never a value of anything. */
export const principalUsage = pgTable(
  'principal_usage',
  {
    principalId: text('principal_id')
      .notNull()
      .references(() => principals.id, { onDelete: 'cascade' }),
    period: text('period').$type<'hour' | 'day'>().notNull(),
    startsAt: timestamp('starts_at', { withTimezone: true, mode: 'date' }).notNull(),
    statements: bigint('statements', { mode: 'number' }).notNull().default(0),
    rows: bigint('rows', { mode: 'number' }).notNull().default(0),
    /** How many distinct masked values, as the sketch beside it estimates. */
    maskedValues: bigint('masked_values', { mode: 'number' }).notNull().default(0),
    /** HyperLogLog registers of keyed hashes (proxy/limits/sketch.ts). */
    maskedSketch: bytes('masked_sketch'),
  },
  (t) => [primaryKey({ columns: [t.principalId, t.period, t.startsAt] }), index('principal_usage_starts').on(t.startsAt)],
);
