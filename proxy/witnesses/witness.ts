import type { SignedCheckpoint } from '../tlog/checkpoint';
import type { HashAt } from '../tlog/subtrees';

/** What a witness is given to do its work. */
export interface Publication {
  checkpoint: SignedCheckpoint;
  /** Of the log, for consistency proofs. */
  hashAt: HashAt;
  nowMs: number;
}

/** Somewhere checkpoints are kept that whoever holds the log cannot change. One publication at a time. */
export interface Witness {
  /** Type and place, without secrets. */
  name: string;
  /** Signature lines that it gave; empty where it only keeps. @throws WitnessError, or any other, when it did not take it */
  publish(publication: Publication): Promise<readonly string[]>;
}

/** Why a witness did not take a checkpoint, in words for the operator; never holds a secret. */
export class WitnessError extends Error {
  override readonly name = 'WitnessError';
}

/** It holds a checkpoint that this log cannot have signed too: the log was forked, rebuilt, or restored from an older copy. */
export const contradicts = (size: number, what: string): WitnessError =>
  new WitnessError(`${what} about ${size} entries than this log: the log was forked, rebuilt, or restored from an older copy`);
