import { signInTimedOut } from '../wire/errors';
import type { Arrival } from './arrival';

/** Where clients are until they have signed in. Someone who opens many and says nothing loses the oldest of them. */
export interface WaitingRoom {
  /** Lets a client in; the function it returns lets it out, to a session or to the street. */
  enter(arrival: Arrival): () => void;
  /** Whether anybody is in it. */
  occupied(): boolean;
}

/** Goings a turn of the event loop. */
const AT_ONCE = 4;

/**
 * @param options.max how many wait at once; a client that signs in at once is hardly ever the oldest
 * @param options.timeoutMs the whole of TLS and sign-in, however slowly it drips
 */
export function createWaitingRoom(options: { max: number; timeoutMs: number }): WaitingRoom {
  const waiting = new Set<Arrival>();
  const doomed = new Set<Arrival>();

  /** Hundreds whose time is over together are shown out a few at a time: who signs in meanwhile is not to wait for their going. */
  const showOut = () => {
    let left = AT_ONCE;
    for (const arrival of doomed) {
      if (left-- === 0) break;
      doomed.delete(arrival);
      arrival.fail(signInTimedOut());
    }
    if (doomed.size > 0) setImmediate(showOut);
  };
  const doom = (arrival: Arrival) => {
    waiting.delete(arrival);
    doomed.add(arrival);
    if (doomed.size === 1) setImmediate(showOut);
  };

  return {
    enter(arrival) {
      const [oldest] = waiting;
      if (oldest !== undefined && waiting.size >= options.max) doom(oldest);
      waiting.add(arrival);
      const deadline = setTimeout(() => doom(arrival), options.timeoutMs);
      return () => {
        clearTimeout(deadline);
        waiting.delete(arrival);
        doomed.delete(arrival);
      };
    },
    occupied: () => waiting.size > 0,
  };
}
