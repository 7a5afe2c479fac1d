import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { rules } from '../../db/schema/policy';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { readRules } from './list';

/** `position` counts from 0; beyond the end means last. */
export const moveSchema = z.object({ id: z.string(), position: z.int().min(0) });

export async function moveRule({ store, actor }: Call, input: unknown): Promise<{ id: string; position: number }> {
  demand(actor, 'rules:write');
  const { id, position: wanted } = parseInput(moveSchema, input);
  return store.transaction(async (tx) => {
    await movePolicyVersion(tx);
    const before = await readRules(tx);
    const moving = before.find((rule) => rule.id === id);
    if (moving === undefined) throw notFound('rule', id);
    const order = before.filter((rule) => rule.id !== id);
    const position = Math.min(wanted, order.length);
    order.splice(position, 0, moving);
    for (const [index, rule] of order.entries())
      if (rule.position !== index) await tx.update(rules).set({ position: index }).where(eq(rules.id, rule.id));
    await recordAction(tx, actor, {
      action: 'rule.move',
      subject: moving.name,
      before: { position: before.indexOf(moving) },
      after: { position },
    });
    return { id, position };
  });
}
