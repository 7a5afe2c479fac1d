import { eq } from 'drizzle-orm';
import { connections } from '../../db/schema/policy';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { demandUnreferenced } from './references';

export async function removeConnection({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'connections:write');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    await movePolicyVersion(tx);
    const [before] = await tx.delete(connections).where(eq(connections.id, id)).returning();
    if (before === undefined) throw notFound('connection', id);
    await demandUnreferenced(tx, before.name);
    const { passwordSealed: _password, tlsKeySealed: _key, ...shown } = before;
    await recordAction(tx, actor, { action: 'connection.remove', subject: before.name, before: shown });
    return { id };
  });
}
