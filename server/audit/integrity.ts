import { z } from 'zod';

/** One gateway's log, as its recorder last said. */
export interface LogStatus {
  node: string;
  /** Number of entries. */
  size: number;
  /** The newest that was signed. `root` is base64; `note` the whole signed note (C2SP). */
  checkpoint: { size: number; root: string; at: Date; note: string } | null;
  /** What is written and not in the log yet, and what is in the log and not in the store yet. */
  lag: { journalBytes: number; entries: number };
  witnesses: { name: string; ok: boolean; size: number | null; at: Date | null; error: string | null }[];
  /** Where entries are sent. `lost`: skipped by its disk budget, or refused by it. */
  sinks: { name: string; waiting: number; lost: number; error: string | null; at: Date | null }[];
  /** The log contradicts itself or what was signed. */
  broken: { index: number | null; what: string } | null;
  /** `name+hash+base64`, for whoever verifies. */
  publicKey: string | null;
  /** When the recorder last proved its own log. */
  checkedAt: Date | null;
  /** When its gateway was last heard of. */
  seenAt: Date;
  /** What keeps its recorder from its work, in words; it goes on trying. */
  trouble: string | null;
}

export interface AuditStatus {
  nodes: LogStatus[];
}

/** That one statement's intent is in the log that a checkpoint was signed for, without showing any other entry. RFC 9162, section 2.1.3 */
export interface StatementProof {
  statementId: string;
  node: string;
  /** From 0. */
  index: number;
  /** Of the tree that the checkpoint is of. */
  size: number;
  /** The bytes that are hashed, in base64. */
  leaf: string;
  /** Hashes in base64, nearest first. */
  path: string[];
  /** Signed note (C2SP checkpoint). */
  checkpoint: string;
  /** `name+hash+base64` */
  publicKey: string;
  /** What the gateway itself found when it ran the proof, a line each. */
  checks: { what: string; ok: boolean }[];
  /** Every entry of the statement with its path, without values, for `audit verify`: the text of a file. */
  file: string;
}

/** Rows a client was shown, every mask applied; cells are PostgreSQL's text form, null is SQL NULL. */
export interface RecordedResult {
  columns: { name: string; typeOid: number }[];
  rows: (string | null)[][];
  /** More left than was recorded. */
  truncated: boolean;
}

export const resultsSchema = z.object({ statementId: z.string().min(1).max(64) });
