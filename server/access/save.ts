import { newId } from '../../db/ids';
import { access } from '../../db/schema/policy';
import { movePolicyVersion, recordAction } from '../actions/record';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { demandNames } from '../policy/names';
import { readAccess } from './list';
import { type AccessRow, accessDraftSchema } from './shape';

/** Replaces the whole access list. */
export async function saveAccess({ store, actor }: Call, input: unknown): Promise<AccessRow[]> {
  demand(actor, 'access:write');
  const { entries } = parseInput(accessDraftSchema, input);
  return store.transaction(async (tx) => {
    await movePolicyVersion(tx);
    await demandNames(tx, { connections: entries.flatMap((entry) => entry.connections), groups: entries.flatMap((entry) => entry.groups) });
    const before = await readAccess(tx);
    await tx.delete(access);
    if (entries.length > 0) await tx.insert(access).values(entries.map((entry, position) => ({ id: newId('acc'), position, ...entry })));
    await recordAction(tx, actor, { action: 'access.update', subject: 'access', before, after: entries });
    return readAccess(tx);
  });
}
