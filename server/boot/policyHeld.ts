import type { PolicyVersions } from '../../proxy/worker/messages';

/** What each worker says that it decides by, and who waits for all of them to have come that far. */
export function createPolicyHeld<Slot>() {
  const held = new Map<Slot, PolicyVersions>();
  const waiting = new Set<() => void>();
  const lookAgain = () => {
    for (const look of waiting) look();
  };

  return {
    said(by: Slot, versions: PolicyVersions): void {
      held.set(by, versions);
      lookAgain();
    },
    /** A worker died: nobody waits for it. Its successor reads what the store has by then. */
    gone(slot: Slot): void {
      held.delete(slot);
      lookAgain();
    },
    /** True as soon as every worker holds these versions or later ones; false when one has not said so within the time. */
    until(wanted: PolicyVersions, withinMs: number): Promise<boolean> {
      const isHeld = () =>
        [...held.values()].every(({ version, accessVersion }) => version >= wanted.version && accessVersion >= wanted.accessVersion);
      return new Promise((resolve) => {
        const end = (answer: boolean) => {
          clearTimeout(timer);
          waiting.delete(look);
          resolve(answer);
        };
        const look = () => {
          if (isHeld()) end(true);
        };
        const timer = setTimeout(() => end(false), withinMs);
        waiting.add(look);
        look();
      });
    },
  };
}
