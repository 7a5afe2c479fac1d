import { policyState } from '../../db/schema/policy';
import type { Store } from '../../db/store';
import { proxyWorkers } from '../runtime';

/** Longer than workers need to hear, read and look at their sessions again; short enough for whoever waits for an answer. */
const WITHIN_MS = 2_000;

/**
 * True once every proxy worker of this gateway goes by what the store says of policies and access now; false when one has not said so within
 * the time, or when the store is away: what was changed is stored all the same. Never throws.
 */
export async function takenUp(store: Store): Promise<boolean> {
  const workers = proxyWorkers();
  if (workers === null) return true;
  try {
    const [state] = await store.select({ version: policyState.version, accessVersion: policyState.accessVersion }).from(policyState);
    return state === undefined || (await workers.untilHeld(state, WITHIN_MS));
  } catch {
    return false;
  }
}
