import type { ConfirmedBy } from '../../db/schema/shapes';
import type { Store } from '../../db/store';
import type { Principal } from '../../proxy/policy/types';
import { recordAction } from '../actions/record';
import type { Actor } from '../identity/actor';
import { given } from '../input';

export const BY_LINK = 'one-time link';
export const BY_PASSKEY = 'passkey';
/** What follows says the second factor. */
export const BY_PASSWORD = 'password';

/**
 * Somebody signed in to the console; in the transaction that used up what they signed in with.
 * @param by {@link BY_LINK}, {@link BY_PASSKEY} or the provider's name
 */
export async function recordSignIn(
  tx: Parameters<typeof recordAction>[0],
  principal: Principal,
  by: string,
  passkey?: ConfirmedBy,
): Promise<void> {
  await recordAction(tx, actorOf(principal), { action: 'console.signIn', subject: principal.name, after: given({ by, passkey }) });
}

const actorOf = ({ id, name, kind, role, groups }: Principal): Actor => ({ id, name, kind, role, groups, via: 'console' });

/** Nobody can fill the record by guessing: of more in a minute the number is kept. */
const MOST_A_MINUTE = 10;
const MINUTE_MS = 60_000;

interface Minute {
  startedAtMs: number;
  recorded: number;
  unsaid: number;
}

const minutes = new Map<string, Minute>();

/**
 * Somebody did not get in to the console or the API. What they gave is not in it. Never throws: that the attempt could not be recorded is no
 * reason to answer otherwise.
 * @param by {@link BY_LINK}, {@link BY_PASSKEY}, the provider's name, or the kind of token
 */
export async function recordFailedSignIn(store: Store, via: 'console' | 'cli', by: string, reason?: string): Promise<void> {
  const nowMs = Date.now();
  const known = minutes.get(via);
  const minute =
    known !== undefined && Math.abs(nowMs - known.startedAtMs) < MINUTE_MS
      ? known
      : { startedAtMs: nowMs, recorded: 0, unsaid: known?.unsaid ?? 0 };
  minutes.set(via, minute);
  if (minute.recorded >= MOST_A_MINUTE) {
    minute.unsaid++;
    return;
  }
  minute.recorded++;
  const unsaid = minute.unsaid;
  minute.unsaid = 0;
  const nobody: Actor = { id: null, name: 'nobody', kind: 'service', role: 'member', groups: [], via };
  await store
    .transaction((tx) =>
      recordAction(tx, nobody, {
        action: via === 'console' ? 'console.signInFailed' : 'api.signInFailed',
        subject: by,
        after: reason === undefined && unsaid === 0 ? null : given({ reason, othersNotRecorded: unsaid === 0 ? undefined : unsaid }),
      }),
    )
    .catch(() => undefined);
}
