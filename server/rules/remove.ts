import { eq } from 'drizzle-orm';
import { rules } from '../../db/schema/policy';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { keepEdits } from '../policy/edits';

export async function removeRule({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'rules:write');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    await movePolicyVersion(tx);
    const [before] = await tx.delete(rules).where(eq(rules.id, id)).returning();
    if (before === undefined) throw notFound('rule', id);
    await keepEdits(tx, actor, [{ kind: 'rule', name: before.name }]);
    await recordAction(tx, actor, { action: 'rule.remove', subject: before.name, before });
    return { id };
  });
}
