import { eq, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { maskingRules } from '../../db/schema/policy';
import { loadPolicy } from '../../proxy/policy/snapshot';
import type { MaskingRule } from '../../proxy/policy/types';
import { movePolicyVersion, recordAction } from '../actions/record';
import { targetOf } from '../connections/control';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { demandNames, uniquely } from '../policy/names';
import { checkMasksFit, rulesOn } from './fit';
import { maskingDraftSchema } from './shape';

/**
 * Creates a masking rule or changes the one whose id is given. Throws INVALID when its mask does not fit the type of a column it names;
 * `warnings` name the connections whose columns could not be looked at.
 */
export async function saveMasking(call: Call, input: unknown): Promise<{ id: string; warnings: string[] }> {
  const { store, actor } = call;
  demand(actor, 'masking:write');
  const { id: existing, ...row } = parseInput(maskingDraftSchema, input);
  const warnings = await demandFit(call, row);
  const { id } = await uniquely('masking rule', row.name, () =>
    store.transaction(async (tx) => {
      await movePolicyVersion(tx);
      await demandNames(tx, { connections: row.connections, groups: row.exceptGroups });
      if (existing === undefined) {
        const id = newId('msk');
        const position = sql<number>`(select coalesce(max(position) + 1, 0) from ${maskingRules})`;
        await tx.insert(maskingRules).values({ id, ...row, position });
        await recordAction(tx, actor, { action: 'masking.create', subject: row.name, after: row });
        return { id };
      }
      const [before] = await tx.select().from(maskingRules).where(eq(maskingRules.id, existing));
      if (before === undefined) throw notFound('masking rule', existing);
      await tx
        .update(maskingRules)
        .set({ ...row, updatedAt: sql`now()` })
        .where(eq(maskingRules.id, existing));
      await recordAction(tx, actor, { action: 'masking.update', subject: row.name, before, after: row });
      return { id: existing };
    }),
  );
  return { id, warnings };
}

/** Before the transaction: nobody waits for an upstream under the policy's lock. */
async function demandFit({ store, secretKey }: Call, rule: MaskingRule): Promise<string[]> {
  const { connections } = await loadPolicy(store);
  const { refused, warnings } = await checkMasksFit(
    [...connections.values()].map((connection) => ({
      connection: connection.name,
      rules: rulesOn(connection.name, [rule]),
      endpoint: () => targetOf(connection, secretKey),
    })),
  );
  if (refused.length === 0) return warnings;
  const message = refused.map((one) => one.message).join('; ');
  throw new ServiceError('INVALID', `mask: ${message}`, { fields: [{ path: 'mask', message }] });
}
