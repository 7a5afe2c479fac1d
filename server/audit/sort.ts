import { asc, desc, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { statements } from '../../db/schema/audit';
import { ServiceError } from '../errors';
import type { AuditSort } from './shape';

/** What decides the order before the id does. A measure that is not known yet counts as the smallest. */
const KEYS = {
  newest: { column: statements.at, down: true },
  oldest: { column: statements.at, down: false },
  slowest: { column: statements.durationMs, down: true },
  largest: { column: statements.rows, down: true },
} as const satisfies Record<AuditSort, { column: PgColumn; down: boolean }>;

const isTime = (sort: AuditSort): sort is 'newest' | 'oldest' => sort === 'newest' || sort === 'oldest';

/** Nulls as -1, so that a row comparison can page through them. */
const measure = (column: PgColumn): SQL => sql`coalesce(${column}, -1)`;

export function orderOf(sort: AuditSort): SQL[] {
  const { column, down } = KEYS[sort];
  const key = isTime(sort) ? column : measure(column);
  return down ? [desc(key), desc(statements.id)] : [asc(key), asc(statements.id)];
}

interface Sorted {
  id: string;
  at: Date;
  rows: number | null;
  durationMs: number | null;
}

/** Where a page ended: `key~id`. */
export function cursorOf(sort: AuditSort, last: Sorted): string {
  switch (sort) {
    case 'newest':
    case 'oldest':
      return `${last.at.toISOString()}~${last.id}`;
    case 'slowest':
      return `${last.durationMs ?? -1}~${last.id}`;
    case 'largest':
      return `${last.rows ?? -1}~${last.id}`;
    default:
      return sort satisfies never;
  }
}

/** @throws ServiceError INVALID for what {@link cursorOf} did not make for this order */
export function afterCursor(sort: AuditSort, cursor: string): SQL {
  const [key = '', id] = cursor.split('~', 2);
  const known = isTime(sort) ? !Number.isNaN(Date.parse(key)) && key.includes('T') : /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(key);
  if (id === undefined || !known) throw new ServiceError('INVALID', 'cursor: not one of ours');
  const { column, down } = KEYS[sort];
  const place = isTime(sort) ? sql`(${column}, ${statements.id}) ` : sql`(${measure(column)}, ${statements.id}) `;
  const end = isTime(sort) ? sql`(${key}::timestamptz, ${id})` : sql`(${key}::float8, ${id})`;
  return down ? sql`${place} < ${end}` : sql`${place} > ${end}`;
}
