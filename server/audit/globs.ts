import { type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';

export const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
export const globPattern = (glob: string): string => escapeLike(glob).replaceAll('*', '%');

/** A name that may hold `*`. */
export const named = (column: PgColumn | SQL, glob: string): SQL =>
  glob.includes('*') ? sql`${column} like ${globPattern(glob)}` : sql`${column} = ${glob}`;

/** One of an array of dotted names is it, or ends in it: `orders` finds `public.orders`, and `ssn` finds `public.customers.ssn`. */
export const nameAmong = (column: PgColumn, glob: string): SQL =>
  sql`exists (select 1 from unnest(${column}) n where n like ${globPattern(glob)} or '.' || n like ${`%.${globPattern(glob)}`})`;

/** Ids as one parameter, however many. */
export const anyOf = (column: PgColumn | SQL, ids: readonly (number | string)[], type: 'bigint' | 'text'): SQL =>
  sql`${column} = any(${sql.param(ids)}::${sql.raw(type)}[])`;
