/** What a finding is about; stable, for programs. */
export type FindingKind =
  | 'malformed'
  | 'index'
  | 'root'
  | 'signature'
  | 'key'
  | 'origin'
  | 'kept checkpoint'
  | 'inner checkpoint'
  | 'foreign checkpoint'
  | 'sequence'
  | 'value'
  | 'path'
  | 'statement'
  | 'incomplete';

/** Why the file does not prove what it should. */
export interface Finding {
  kind: FindingKind;
  /** Line of the file, from 1; null where it is about no line. */
  line: number | null;
  /** Number of the entry in the log, from 0. */
  entry: number | null;
  /** One sentence: what, and what it means. */
  message: string;
}

/** Worth knowing, and no failure. */
export interface Remark {
  kind: 'nothing kept' | 'clock' | 'damage' | 'values' | 'checkpoint of another log' | 'part of the log';
  entry: number | null;
  message: string;
}

/** What a verified file showed. `ok` exactly when there is no finding. */
export interface Report {
  ok: boolean;
  type: 'export' | 'statement' | null;
  origin: string | null;
  publicKey: string | null;
  /** Entries [from, to) of the log; of a statement, those that are shown. */
  from: number;
  to: number;
  entries: number;
  /** What it all leads to. */
  checkpoint: { size: number; root: string } | null;
  /** Sizes of the kept checkpoints that were met. */
  keptMet: number[];
  /** Checkpoints within the log that were met, of this one and of others. */
  innerCheckpoints: number;
  /** Opened values that are what was committed to. */
  values: number;
  findings: Finding[];
  /** More than are listed. */
  moreFindings: number;
  remarks: Remark[];
  moreRemarks: number;
}

/** Enough to see what happened; a file of something else must not fill the memory. */
const LISTED = 100;

export class ReportBuilder {
  readonly findings: Finding[] = [];
  readonly remarks: Remark[] = [];
  moreFindings = 0;
  moreRemarks = 0;

  find(kind: FindingKind, place: { line?: number | null; entry?: number | null }, message: string): void {
    if (this.findings.length >= LISTED) this.moreFindings++;
    else this.findings.push({ kind, line: place.line ?? null, entry: place.entry ?? null, message });
  }

  remark(kind: Remark['kind'], entry: number | null, message: string): void {
    if (this.remarks.length >= LISTED) this.moreRemarks++;
    else this.remarks.push({ kind, entry, message });
  }
}
