import type { LogPlace } from '../record/leaf';

/** What the recorder and the thread that ships say to each other. */

export interface ShipThreadData {
  storeUrl: string;
  /** Of the log's files. */
  directory: string;
  node: string;
}

export type ToShipThread =
  /** Copy what is there. */
  | { type: 'round'; place: LogPlace }
  /** The log has grown; a round under way goes on up to here. */
  | { type: 'grown'; place: LogPlace }
  | { type: 'close' };

export type FromShipThread =
  /** The store has what is before `next`. */
  | { type: 'moved'; next: number }
  | { type: 'done'; count: number }
  /** By its code alone: the message of a failed insert quotes what it carried. */
  | { type: 'failed'; code: string }
  | { type: 'refused'; code: string }
  | { type: 'closed' };
