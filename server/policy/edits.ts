import { newId } from '../../db/ids';
import { policyEdits } from '../../db/schema/approvals';
import type { StoreTransaction } from '../../db/store';
import type { Actor } from '../identity/actor';

/**
 * Keeps who changed what holds statements, in the transaction that changes it: rules, and connections for what their defaults hold. The
 * gateway itself leaves no entry; it decides nothing.
 */
export async function keepEdits(
  tx: StoreTransaction,
  actor: Actor,
  edits: readonly { kind: 'rule' | 'connection'; name: string }[],
): Promise<void> {
  const { id, name: editorName } = actor;
  if (id === null || edits.length === 0) return;
  await tx.insert(policyEdits).values(edits.map((edit) => ({ id: newId('ped'), ...edit, editorId: id, editorName })));
}
