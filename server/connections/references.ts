import { access, maskingRules, rules } from '../../db/schema/policy';
import type { StoreTransaction } from '../../db/store';
import { ServiceError } from '../errors';

/** Throws CONFLICT when rules, masking or access name a connection: without it they would silently speak of nothing. */
export async function demandUnreferenced(tx: StoreTransaction, name: string): Promise<void> {
  const naming = [
    ...(await tx.select().from(rules)).filter((row) => row.connections.includes(name)).map((row) => `rule ${row.name}`),
    ...(await tx.select().from(maskingRules)).filter((row) => row.connections.includes(name)).map((row) => `masking rule ${row.name}`),
    ...(await tx.select().from(access)).filter((row) => row.connections.includes(name)).map((row) => `access for ${row.groups.join(', ')}`),
  ];
  if (naming.length > 0) throw new ServiceError('CONFLICT', `${name} is named by ${naming.join(', ')}; change those first`);
}
