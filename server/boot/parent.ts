const POLL_MS = 250;

/**
 * Calls `gone` once when the process that started us has ended. npm passes SIGTERM to its shell, and the shell dies without passing it on:
 * a gateway that npm started must not run on, holding its ports, when nobody can reach it with Ctrl-C any more.
 */
export function whenParentEnds(gone: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, POLL_MS);
  timer.unref();
}
