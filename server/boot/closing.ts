/** What has to be undone before the process may end, last made first undone. */
export interface Closing {
  /** Registers a step. After closing has begun it runs at once: a boot that is being interrupted leaves nothing behind. */
  add(name: string, step: () => Promise<void> | void): Promise<void>;
  /** Runs every step, each once, whatever the others do. The same promise for every caller. */
  close(): Promise<void>;
  readonly closing: boolean;
}

export function createClosing(onError: (name: string, error: unknown) => void): Closing {
  const steps: { name: string; step: () => Promise<void> | void }[] = [];
  let closed: Promise<void> | undefined;

  const run = async (name: string, step: () => Promise<void> | void) => {
    try {
      await step();
    } catch (error) {
      onError(name, error);
    }
  };
  const runAll = async () => {
    for (let next = steps.pop(); next !== undefined; next = steps.pop()) await run(next.name, next.step);
  };

  return {
    async add(name, step) {
      if (closed !== undefined) return run(name, step);
      steps.push({ name, step });
    },
    close() {
      closed ??= runAll();
      return closed;
    },
    get closing() {
      return closed !== undefined;
    },
  };
}
