import { ExportChecks } from './exportChecks';
import type { LateCheckpoint } from './innerCheckpoints';
import { type Header, type Line, LineError, readLine } from './lines';
import { type Report, ReportBuilder } from './report';
import { StatementChecks } from './statementChecks';
import { type Kept, messageOf, settleTrust } from './trust';

/** Verifies a file of `audit export` or `audit prove`, a line at a time. Pure: no clock, no file, no network. */
export class Verification {
  readonly #kept: Kept;
  readonly #late: readonly LateCheckpoint[];
  readonly #report = new ReportBuilder();
  #header: Header | null = null;
  #checks: ExportChecks | StatementChecks | null = null;
  #line = 0;
  #ended = false;

  /** @param late of a first reading of the same file */
  constructor(kept: Kept, late: readonly LateCheckpoint[] = []) {
    this.#kept = kept;
    this.#late = late;
  }

  /** What can only be compared by reading the file again. */
  get late(): readonly LateCheckpoint[] {
    return this.#checks instanceof ExportChecks ? this.#checks.late : [];
  }

  /** The next line, without its end. */
  line(bytes: Buffer): void {
    this.#line++;
    const line = this.#read(bytes);
    if (line === null) return;
    if (this.#line === 1) return this.#begin(line);
    if (line.type === 'header') return this.#malformed('is a header, and only the first line is one');
    if (this.#ended) return this.#malformed('stands behind the last one');
    this.#checks?.line(line, this.#line);
    this.#ended = line.type === 'end';
  }

  /** @param complete whether the file ended with the end of a line */
  end(complete: boolean): Report {
    const report = this.#report;
    if (!complete) report.find('incomplete', { line: this.#line }, 'The last line has no end: the file was cut off.');
    if (!this.#ended && this.#line > 0)
      report.find(
        'incomplete',
        { line: this.#line },
        'The file ends without its last checkpoint: it was cut off, and nothing vouches for its end.',
      );
    if (this.#line === 0) report.find('incomplete', {}, 'The file is empty.');
    const checks = this.#checks;
    checks?.finish();
    const final = checks?.final ?? null;
    return {
      ok: report.findings.length === 0,
      type: checks?.type ?? null,
      origin: this.#header?.origin ?? null,
      publicKey: this.#header?.publicKey ?? null,
      from: checks?.from ?? 0,
      to: checks?.to ?? 0,
      entries: checks?.entries ?? 0,
      checkpoint: final === null ? null : { size: final.size, root: final.root.toString('base64') },
      keptMet: checks?.keptMet ?? [],
      innerCheckpoints: checks?.innerCheckpoints ?? 0,
      values: checks?.values ?? 0,
      findings: report.findings,
      moreFindings: report.moreFindings,
      remarks: report.remarks,
      moreRemarks: report.moreRemarks,
    };
  }

  #begin(line: Line): void {
    if (line.type !== 'header')
      return this.#malformed('is no header: this is no file of audit export or audit prove, or its beginning is missing');
    const { header } = line;
    this.#header = header;
    const trust = settleTrust(header, this.#kept, this.#report);
    if (trust === null) return;
    try {
      this.#checks =
        header.type === 'gatehouse-export'
          ? new ExportChecks(header, trust, this.#report, this.#late)
          : new StatementChecks(header, trust, this.#report);
    } catch (error) {
      this.#malformed(`has no beginning of a tree: ${messageOf(error)}`);
    }
  }

  #read(bytes: Buffer): Line | null {
    try {
      return readLine(bytes);
    } catch (error) {
      this.#malformed(error instanceof LineError ? error.message : 'cannot be read');
      return null;
    }
  }

  #malformed(what: string): void {
    this.#report.find('malformed', { line: this.#line }, `Line ${this.#line} ${what}.`);
  }
}
