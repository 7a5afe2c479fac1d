import { pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/**
 * The keys of this store (db/secrets.ts), each wrapped by the operator's key, once for every operator's key that opens the store: while a new
 * one is brought to several gateways there are two. Without rows the operator's key is the root itself, as before the first rotation.
 */
export const secretKeys = pgTable(
  'secret_keys',
  {
    /** `root`, or the id of a data key. */
    id: text('id').notNull(),
    /** The id of the operator's key. */
    wrappedBy: text('wrapped_by').notNull(),
    /** 32 bytes in base64, in an envelope bound to `id`. */
    wrapped: text('wrapped').notNull(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'date' }).notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.id, t.wrappedBy] })],
);
