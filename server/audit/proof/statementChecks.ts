import type { SignedCheckpoint } from '../../../proxy/tlog/checkpoint';
import { provesConsistency } from '../../../proxy/tlog/consistency';
import { leafHash } from '../../../proxy/tlog/hash';
import { rootByInclusion } from '../../../proxy/tlog/inclusion';
import { checkOpened } from './entryChecks';
import type { EntryLine, Header, Line } from './lines';
import type { ReportBuilder } from './report';
import { quoted, readFinal, type Trust } from './trust';

/** Verifies that the entries of one statement are in the log, without the others. */
export class StatementChecks {
  readonly type = 'statement';
  values = 0;
  keptMet: number[] = [];
  readonly innerCheckpoints = 0;
  final: SignedCheckpoint | null = null;
  readonly #statement: string;
  readonly #trust: Trust;
  readonly #report: ReportBuilder;
  readonly #shown: { index: number; hash: Buffer; path: readonly Buffer[]; line: number }[] = [];
  readonly #links = new Map<number, readonly Buffer[]>();
  #hasIntent = false;

  constructor(header: Header & { type: 'gatehouse-proof' }, trust: Trust, report: ReportBuilder) {
    this.#statement = header.statement;
    this.#trust = trust;
    this.#report = report;
  }

  get entries(): number {
    return this.#shown.length;
  }

  get from(): number {
    return this.#shown[0]?.index ?? 0;
  }

  get to(): number {
    return (this.#shown.at(-1)?.index ?? -1) + 1;
  }

  line(line: Exclude<Line, { type: 'header' }>, number: number): void {
    switch (line.type) {
      case 'entry':
        return this.#entry(line, number);
      case 'consistency':
        this.#links.set(line.from, line.hashes);
        return;
      case 'end':
        return this.#end(line.checkpoint, number);
      default:
        line satisfies never;
    }
  }

  #entry(entry: EntryLine, line: number): void {
    const { index, leaf, path } = entry;
    const place = { line, entry: index };
    if (leaf.entry.id !== this.#statement)
      this.#report.find('statement', place, `Entry ${index} is not one of the statement ${quoted(this.#statement)}.`);
    if (index < this.to)
      this.#report.find('index', place, `Entry ${index} stands behind entry ${this.to - 1}: it came twice or out of order.`);
    if (leaf.entry.type === 'statement') this.#hasIntent = true;
    this.values += checkOpened(entry, line, this.#report);
    if (path === null) this.#report.find('path', place, `Entry ${index} has no path to the checkpoint.`);
    this.#shown.push({ index, hash: leafHash(entry.bytes), path: path ?? [], line });
  }

  #end(source: string, line: number): void {
    const final = readFinal(source, this.#trust, line, this.#report);
    this.final = final;
    if (final === null) return;
    for (const { index, hash, path, line: at } of this.#shown)
      if (rootByInclusion(index, final.size, hash, path)?.equals(final.root) !== true)
        this.#report.find(
          'root',
          { line: at, entry: index },
          `Entry ${index} is not in the log that was signed: entry, number, path or checkpoint was changed.`,
        );
    for (const kept of this.#trust.kept) this.#meet(kept, final);
  }

  #meet(kept: SignedCheckpoint, final: SignedCheckpoint): void {
    const links = kept.size === final.size ? [] : this.#links.get(kept.size);
    if (kept.size > final.size)
      this.#report.find(
        'kept checkpoint',
        {},
        `The checkpoint you kept is about ${kept.size} entries and the proof leads to ${final.size}: make the proof again.`,
      );
    else if (links !== undefined && provesConsistency(kept, final, links)) this.keptMet.push(kept.size);
    else if (links !== undefined)
      this.#report.find(
        'kept checkpoint',
        {},
        `The log of the proof does not begin with the ${kept.size} entries of the checkpoint you kept: it was changed, forked or rebuilt.`,
      );
  }

  finish(): void {
    if (!this.#hasIntent)
      this.#report.find('statement', {}, `What was recorded of the statement ${quoted(this.#statement)} before it ran is not in the file.`);
    if (this.#trust.kept.length > 0 && this.keptMet.length === 0 && this.#report.findings.length === 0)
      this.#report.find('kept checkpoint', {}, 'The proof says nothing of the checkpoint you kept: make it again with --checkpoint.');
  }
}
