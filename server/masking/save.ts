import { eq, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { maskingRules } from '../../db/schema/policy';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { demandNames, uniquely } from '../policy/names';
import { maskingDraftSchema } from './shape';

/** Creates a masking rule or changes the one whose id is given. */
export async function saveMasking({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'masking:write');
  const { id: existing, ...row } = parseInput(maskingDraftSchema, input);
  return uniquely('masking rule', row.name, () =>
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
}
