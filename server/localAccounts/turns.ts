import { ServiceError } from '../errors';

/** More wait already than would be served in a time that a person waits. */
export class TooBusy extends ServiceError {
  constructor() {
    super('UNAVAILABLE', 'too many sign-ins at once; try again in a few seconds');
  }
}

export interface Turns {
  /** Runs `work` when it is its turn. @throws TooBusy */
  take<T>(work: () => Promise<T>): Promise<T>;
}

/** Lets so many run at once and so many wait: what each of them takes is memory. */
export function createTurns({ atOnce, mostWaiting }: { atOnce: number; mostWaiting: number }): Turns {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async take(work) {
      if (running >= atOnce) {
        if (waiting.length >= mostWaiting) throw new TooBusy();
        // Whoever ends hands its place on, so that nobody comes between.
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else running++;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running--;
        else next();
      }
    },
  };
}
