import type { CatalogSnapshot } from '../../proxy/catalog/types';
import { maskedColumnsFor } from '../../proxy/masking/columns';
import type { ColumnMask } from '../../proxy/masking/types';
import { loadPolicy } from '../../proxy/policy/snapshot';
import type { ConnectionPolicy, PolicySnapshot } from '../../proxy/policy/types';
import { loadParser } from '../../proxy/sql/parse';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';

/** A connection as the policy has it now, and what is masked on it for somebody in no exempt group. */
export async function connectionUnderPolicy(
  { store }: Pick<Call, 'store'>,
  name: string,
): Promise<{ policy: PolicySnapshot; connection: ConnectionPolicy; masksIn(catalog: CatalogSnapshot): readonly ColumnMask[] }> {
  const policy = await loadPolicy(store);
  const connection = policy.connections.get(name);
  if (connection === undefined) throw notFound('connection', name);
  await loadParser();
  return {
    policy,
    connection,
    masksIn: (catalog) => maskedColumnsFor({ masking: policy.masking, connection, principal: { groups: [] }, catalog }).all,
  };
}
