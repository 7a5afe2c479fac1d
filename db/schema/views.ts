import { boolean, index, jsonb, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** A search of the audit that somebody keeps: what it asks for, and how it is laid out. It holds no result. */
export const auditViews = pgTable(
  'audit_views',
  {
    id: text('id').primaryKey(),
    ownerId: text('owner_id').notNull(),
    ownerName: text('owner_name').notNull(),
    name: text('name').notNull(),
    /** Everybody sees it, and finds in it only what they may see. */
    shared: boolean('shared').notNull().default(false),
    q: text('q').notNull(),
    /** A preset such as `24h`, or two instants; as the page's URL has them. */
    range: text('range'),
    fromAt: instant('from_at'),
    toAt: instant('to_at'),
    sort: text('sort').notNull(),
    columns: jsonb('columns').$type<string[]>().notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (t) => [unique('audit_views_name').on(t.ownerId, t.name), index('audit_views_shared').on(t.shared)],
);
