import { passkeys } from '../../db/schema/passkeys';
import { getRuntime } from '../runtime';
import { relyingPartyOf } from './relyingParty';

/** Where people sign in with passkeys; null where they cannot, or nobody has one yet. Says nothing of any one of them. */
export async function passkeySignInOrigin(): Promise<string | null> {
  const { store, consoleUrl } = getRuntime();
  const party = relyingPartyOf(consoleUrl);
  if (party.state === 'off') return null;
  const [any] = await store.select({ id: passkeys.id }).from(passkeys).limit(1);
  return any === undefined ? null : party.origin;
}
