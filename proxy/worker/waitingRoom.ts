import { signInTimedOut } from '../wire/errors';
import type { Arrival } from './arrival';

/** Where clients are until they have signed in. Someone who opens many and says nothing loses the oldest of them. */
export interface WaitingRoom {
  /** Lets a client in; the function it returns lets it out, to a session or to the street. */
  enter(arrival: Arrival): () => void;
}

/**
 * @param options.max how many wait at once; a client that signs in at once is hardly ever the oldest
 * @param options.timeoutMs the whole of TLS and sign-in, however slowly it drips
 */
export function createWaitingRoom(options: { max: number; timeoutMs: number }): WaitingRoom {
  const waiting = new Set<Arrival>();
  return {
    enter(arrival) {
      const [oldest] = waiting;
      if (oldest !== undefined && waiting.size >= options.max) {
        waiting.delete(oldest);
        oldest.fail(signInTimedOut());
      }
      waiting.add(arrival);
      const deadline = setTimeout(() => arrival.fail(signInTimedOut()), options.timeoutMs);
      return () => {
        clearTimeout(deadline);
        waiting.delete(arrival);
      };
    },
  };
}
