import type { PolicySnapshot } from '../policy/types';

/** setTimeout holds at most 2^31 - 1 ms; longer waits are taken in steps. */
const LONGEST_WAIT_MS = 0x7fffffff;

export interface AccessEnd {
  /** The policy is another: look when access ends next. */
  changed(policy: PolicySnapshot): void;
  close(): void;
}

/**
 * Calls `onEnd` each time somebody's access has just ended. It goes by the policy in hand and this machine's clock, and asks nobody: access
 * ends while the store is away too.
 */
export function watchAccessEnd(onEnd: () => void, now: () => number = Date.now): AccessEnd {
  let timer: NodeJS.Timeout | undefined;
  const changed = (policy: PolicySnapshot) => {
    clearTimeout(timer);
    const ahead = policy.access.flatMap((grant) => ('until' in grant && grant.until.getTime() > now() ? [grant.until.getTime()] : []));
    if (ahead.length === 0) return;
    const waitMs = Math.min(...ahead) - now();
    timer = setTimeout(
      () => {
        // A timer may fire a little early; whoever ends sessions compares times again.
        if (waitMs <= LONGEST_WAIT_MS) onEnd();
        changed(policy);
      },
      Math.min(LONGEST_WAIT_MS, waitMs + 1),
    );
    timer.unref();
  };
  return { changed, close: () => clearTimeout(timer) };
}
