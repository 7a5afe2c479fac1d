import { policyState } from '../../db/schema/policy';
import type { Store } from '../../db/store';
import { loadPolicy } from '../policy/snapshot';
import type { PolicySnapshot } from '../policy/types';

/** The policy this worker decides by. The row is the truth; notifications and a slow poll only wake. */
export interface PolicyKeeper {
  current(): PolicySnapshot;
  /** Reads the version and, when it moved, the policy. Coalesces; failures leave the snapshot as it is. */
  wake(): void;
  close(): void;
}

/** Where a notification is lost, what somebody lost still ends within 5 s. */
const POLL_MS = 3_000;

/** Loads once before it returns: a worker without a policy serves nobody. */
export async function openPolicyKeeper(store: Store, onChange: (policy: PolicySnapshot) => void): Promise<PolicyKeeper> {
  let snapshot = await loadPolicy(store);
  let running = false;
  let again = false;

  const check = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      do {
        again = false;
        const [state] = await store.select().from(policyState);
        if (state !== undefined && (state.version !== snapshot.version || state.accessVersion !== snapshot.accessVersion)) {
          snapshot = await loadPolicy(store);
          onChange(snapshot);
        }
      } while (again);
    } catch {
      // The store is away: running sessions keep the policy they have; sign-in and holds fail by themselves.
    } finally {
      running = false;
    }
  };
  const timer = setInterval(check, POLL_MS);
  timer.unref();

  return { current: () => snapshot, wake: () => void check(), close: () => clearInterval(timer) };
}
