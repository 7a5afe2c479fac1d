import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { whyNotOffered } from './offered';
import { accountOf } from './owner';
import type { OwnLocalAccount } from './shape';

export async function getLocalAccount({ store, actor }: Call): Promise<OwnLocalAccount> {
  demand(actor, 'localAccounts:own');
  const why = await whyNotOffered(store, actor);
  if (why !== null) return { state: 'notOffered', why };
  const account = await accountOf(store, actor.id ?? '');
  return account === null
    ? { state: 'none' }
    : { state: 'set', changedAt: account.changedAt, recoveryCodesLeft: account.recoveryHashes.length };
}
