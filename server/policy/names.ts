import { inArray } from 'drizzle-orm';
import { groups } from '../../db/schema/identity';
import { connections } from '../../db/schema/policy';
import type { StoreTransaction } from '../../db/store';
import { ServiceError } from '../errors';

/** Throws INVALID for a connection or group that does not exist: a rule that names nothing would silently protect nothing. */
export async function demandNames(
  tx: StoreTransaction,
  names: { connections?: readonly string[]; groups?: readonly string[] },
): Promise<void> {
  await demandIn(tx, connections, 'connection', names.connections ?? []);
  await demandIn(tx, groups, 'group', names.groups ?? []);
}

async function demandIn(
  tx: StoreTransaction,
  table: typeof connections | typeof groups,
  noun: string,
  wanted: readonly string[],
): Promise<void> {
  const names = [...new Set(wanted)].filter((name) => name !== '*');
  if (names.length === 0) return;
  const found = new Set((await tx.select({ name: table.name }).from(table).where(inArray(table.name, names))).map((row) => row.name));
  const unknown = names.filter((name) => !found.has(name));
  if (unknown.length > 0) throw new ServiceError('INVALID', `unknown ${noun} ${unknown.join(', ')}`);
}

/** Runs a write and answers a name that is taken (unique_violation, 23505) with CONFLICT instead of an unexpected error. */
export async function uniquely<T>(noun: string, name: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    if (cause instanceof Error && 'code' in cause && cause.code === '23505')
      throw new ServiceError('CONFLICT', `${noun} ${name} exists already`);
    throw error;
  }
}
