/** setTimeout holds at most 2^31 - 1 ms; longer waits are taken in steps. */
const LONGEST_WAIT_MS = 0x7fffffff;

export interface Alarm {
  clear(): void;
}

/** Calls once when the clock says that it is that time. A timer may fire a little early: what is left is waited for again, and no more. */
export function alarmAt(at: Date, ring: () => void): Alarm {
  let timer: NodeJS.Timeout;
  const wait = () => {
    const leftMs = at.getTime() - Date.now();
    timer = setTimeout(() => (Date.now() >= at.getTime() ? ring() : wait()), Math.min(Math.max(1, leftMs), LONGEST_WAIT_MS));
    timer.unref();
  };
  wait();
  return { clear: () => clearTimeout(timer) };
}
