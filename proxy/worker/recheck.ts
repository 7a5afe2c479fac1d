/** Sessions whose rights are looked at side by side: more would keep sign-ins from the store. */
const AT_ONCE = 4;
const RETRY_MS = 500;

/**
 * Looks again at what each session may do: told again meanwhile, once more afterwards; and until the store has answered for all of them,
 * for what somebody has lost must not stay theirs because the store was away in that moment.
 *
 * @param check throws when it could not be found out
 * @param onWhole all have been looked at, and nobody has asked for it again meanwhile
 */
export function createRecheck<T>(
  all: () => Iterable<T>,
  check: (one: T) => Promise<void>,
  onWhole: () => void = () => undefined,
): { run(): void; close(): void } {
  let running = false;
  let again = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const pass = async (): Promise<boolean> => {
    const waiting = [...all()];
    let failed = false;
    const take = async () => {
      for (let one = waiting.pop(); one !== undefined && !closed; one = waiting.pop()) await check(one).catch(() => (failed = true));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, take));
    return !failed;
  };
  const run = async () => {
    again = true;
    if (running || closed) return;
    running = true;
    clearTimeout(timer);
    let whole = true;
    while (again && !closed) {
      again = false;
      whole = await pass();
    }
    running = false;
    if (closed) return;
    if (whole) onWhole();
    else {
      timer = setTimeout(() => void run(), RETRY_MS);
      timer.unref();
    }
  };
  return {
    run: () => void run(),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
