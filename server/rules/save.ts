import { isDeepStrictEqual } from 'node:util';
import { eq, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { rules } from '../../db/schema/policy';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { keepEdits } from '../policy/edits';
import { demandNames, uniquely } from '../policy/names';
import { DEFAULT_EXPIRES_IN_MS } from '../policy/shapes';
import { unconfirmable } from '../policy/unconfirmable';
import { ownConsoleUrl } from '../runtime';
import { ruleDraftSchema } from './shape';

/** Creates a rule (last in order) or changes the one whose id is given. `warnings` say what the operator should know of it. */
export async function saveRule({ store, actor }: Call, input: unknown): Promise<{ id: string; warnings: string[] }> {
  demand(actor, 'rules:write');
  const { id: existing, ...draft } = parseInput(ruleDraftSchema, input);
  const row = {
    ...draft,
    groups: draft.groups.includes('*') ? [] : draft.groups,
    message: draft.message ?? null,
    approval: draft.action === 'hold' ? (draft.approval ?? { groups: [], count: 1, expiresInMs: DEFAULT_EXPIRES_IN_MS }) : null,
  };
  const { id } = await uniquely('rule', row.name, () =>
    store.transaction(async (tx) => {
      await movePolicyVersion(tx);
      await demandNames(tx, {
        connections: row.connections,
        groups: [...row.groups, ...(row.approval?.groups ?? []), ...(row.approval?.breakGlass ?? [])],
      });
      if (existing === undefined) {
        const id = newId('rul');
        const position = sql<number>`(select coalesce(max(position) + 1, 0) from ${rules})`;
        await tx.insert(rules).values({ id, ...row, position });
        await keepEdits(tx, actor, [{ kind: 'rule', name: row.name }]);
        await recordAction(tx, actor, { action: 'rule.create', subject: row.name, after: row });
        return { id };
      }
      const [before] = await tx.select().from(rules).where(eq(rules.id, existing));
      if (before === undefined) throw notFound('rule', existing);
      await tx
        .update(rules)
        .set({ ...row, updatedAt: sql`now()` })
        .where(eq(rules.id, existing));
      // Saving it as it is would put another name in the place of whoever made it so.
      if (changes(before, row))
        await keepEdits(
          tx,
          actor,
          [...new Set([before.name, row.name])].map((name) => ({ kind: 'rule', name })),
        );
      await recordAction(tx, actor, { action: 'rule.update', subject: row.name, before, after: row });
      return { id: existing };
    }),
  );
  return { id, warnings: unconfirmable([row], ownConsoleUrl()) };
}

/** Whether anything of a stored rule becomes different; what is stored has been through JSON. */
function changes(before: typeof rules.$inferSelect, row: Omit<typeof rules.$inferInsert, 'id' | 'position'>): boolean {
  const stored = new Map<string, unknown>(Object.entries(before));
  return Object.entries(row).some(([field, value]) => !isDeepStrictEqual(stored.get(field), JSON.parse(JSON.stringify(value))));
}
