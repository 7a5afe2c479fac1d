import { eq } from 'drizzle-orm';
import { maskingRules } from '../../db/schema/policy';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';

export async function removeMasking({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'masking:write');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    await movePolicyVersion(tx);
    const [before] = await tx.delete(maskingRules).where(eq(maskingRules.id, id)).returning();
    if (before === undefined) throw notFound('masking rule', id);
    await recordAction(tx, actor, { action: 'masking.remove', subject: before.name, before });
    return { id };
  });
}
