/** What the supervisor and the recorder say to each other. */

export type FromRecorder =
  /** What workers of the last run left behind is in the log, and in the store if that answers. */
  | { type: 'ready' }
  | { type: 'status'; status: RecorderStatus }
  /** It cannot go on and starting it again does not help; words for the operator. */
  | { type: 'refused'; why: string };

export type ToRecorder =
  /** Take what is left in the journals, sign, ship, and end; for at most so long. */
  { type: 'drain'; withinMs: number };

/** How the record of this gateway stands. */
export interface RecorderStatus {
  node: string;
  /** `name+hash+base64` */
  publicKey: string;
  /** Index of the first entry on this disk, and the number of entries. */
  first: number;
  size: number;
  checkpoint: { size: number; root: string; note: string; atMs: number } | null;
  /** Bytes in journals that are not in the log yet. */
  journalLagBytes: number;
  /** Entries of the log that are not in the store yet; null while that is not known. */
  shipLagEntries: number | null;
  witnesses: WitnessStatus[];
  /** How many entries were compared with their hashes since the start, of how many, and when all had been last. */
  verified: { upTo: number; completedAtMs: number | null };
  /** An entry that is not as it was written. */
  broken: { index: number; what: string } | null;
  /** Journals that a newer version wrote. */
  refusedJournals: { journal: string; why: string }[];
  /** What keeps it from its work now; it goes on trying. */
  trouble: string | null;
}

export interface WitnessStatus {
  /** As the policy document names it: type and place, without secrets. */
  name: string;
  /** Size of the newest checkpoint it took; null: none yet. */
  size: number | null;
  atMs: number | null;
  error: string | null;
}
