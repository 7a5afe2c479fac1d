import type { SignedCheckpoint } from '../../../proxy/tlog/checkpoint';
import { provesConsistency } from '../../../proxy/tlog/consistency';
import { leafHash } from '../../../proxy/tlog/hash';
import { checkOpened, JournalChecks } from './entryChecks';
import { InnerCheckpoints, type LateCheckpoint, spanOf } from './innerCheckpoints';
import type { EntryLine, Header, Line } from './lines';
import { RecentRoots } from './recentRoots';
import type { ReportBuilder } from './report';
import { readFinal, type Trust } from './trust';

/** Verifies a run of entries, a line at a time, in memory that does not grow with them. */
export class ExportChecks {
  readonly type = 'export';
  readonly from: number;
  values = 0;
  entries = 0;
  keptMet: number[] = [];
  final: SignedCheckpoint | null = null;
  readonly #roots: RecentRoots;
  readonly #trust: Trust;
  readonly #report: ReportBuilder;
  readonly #inner: InnerCheckpoints;
  readonly #journals: JournalChecks;
  /** Kept checkpoints by size, until that many entries have been read. */
  readonly #due = new Map<number, SignedCheckpoint[]>();
  /** Kept checkpoints from before the first entry that no proof has spoken of. */
  readonly #earlier = new Set<SignedCheckpoint>();
  /** Checkpoints that a first reading met too late, by size. */
  readonly #late = new Map<number, LateCheckpoint[]>();
  #unopened = 0;
  #expected: number;

  /** @throws Error when the header has no frontier */
  constructor(
    header: Header & { type: 'gatehouse-export' },
    trust: Trust,
    report: ReportBuilder,
    lateOfFirstReading: readonly LateCheckpoint[],
  ) {
    this.#roots = new RecentRoots(header.prefix);
    this.from = header.prefix.size;
    this.#expected = this.from;
    this.#trust = trust;
    this.#report = report;
    this.#inner = new InnerCheckpoints(this.from);
    this.#journals = new JournalChecks(this.from === 0);
    if (this.from > 0)
      report.remark('part of the log', null, `The file begins at entry ${this.from}: what stands before it is bound to it and not shown.`);
    for (const kept of trust.kept) {
      if (kept.size < this.from) this.#earlier.add(kept);
      else this.#due.set(kept.size, [...(this.#due.get(kept.size) ?? []), kept]);
    }
    for (const late of lateOfFirstReading) this.#late.set(late.size, [...(this.#late.get(late.size) ?? []), late]);
    this.#meetKept();
  }

  get late(): readonly LateCheckpoint[] {
    return this.#inner.late;
  }

  get to(): number {
    return this.#roots.size;
  }

  get innerCheckpoints(): number {
    return this.#inner.met;
  }

  line(line: Exclude<Line, { type: 'header' }>, number: number): void {
    switch (line.type) {
      case 'entry':
        return this.#entry(line, number);
      case 'consistency':
        return this.#consistency(line.from, line.hashes, number);
      case 'end':
        return this.#end(line.checkpoint, number);
      default:
        line satisfies never;
    }
  }

  #entry(entry: EntryLine, line: number): void {
    const { index, leaf } = entry;
    if (index !== this.#expected)
      this.#report.find(
        'index',
        { line, entry: index },
        index > this.#expected
          ? `${spanOf(this.#expected, index).replace(/ (is|are)$/, '')} missing before entry ${index}: dropped, or renumbered.`
          : `Entry ${index} stands where entry ${this.#expected} belongs: it came twice, or the order or numbers were changed.`,
      );
    this.#expected = index + 1;
    if (entry.path !== null)
      this.#report.find('malformed', { line, entry: index }, `Entry ${index} has a path, which has no place in an export.`);
    this.#roots.append(leafHash(entry.bytes));
    this.entries++;
    this.#journals.check(index, leaf, line, this.#report);
    this.#inner.check(entry, this.#roots, this.#trust, line, this.#report);
    this.values += checkOpened(entry, line, this.#report);
    if (leaf.values !== undefined && Object.keys(entry.opened ?? {}).length < Object.keys(leaf.values).length) this.#unopened++;
    this.#meetKept();
  }

  #meetKept(): void {
    const size = this.#roots.size;
    for (const { root, entry } of this.#late.get(size) ?? []) {
      if (root.equals(this.#roots.root())) this.#inner.met++;
      else
        this.#report.find(
          'root',
          { entry },
          `The first ${size} entries are not what was signed: entry ${entry} quotes the checkpoint of that time. Something there was edited, dropped, added or moved.`,
        );
    }
    const due = this.#due.get(size);
    if (due === undefined) return;
    this.#due.delete(size);
    const root = this.#roots.root();
    for (const kept of due) {
      if (kept.root.equals(root)) this.keptMet.push(size);
      else
        this.#report.find(
          'kept checkpoint',
          {},
          `The first ${size} entries are not those of the checkpoint you kept: the log was changed, forked or rebuilt before entry ${size}.`,
        );
    }
  }

  #consistency(from: number, hashes: readonly Buffer[], line: number): void {
    if (this.entries > 0)
      this.#report.find('malformed', { line }, 'A consistency proof stands behind the first entry, where it says nothing.');
    const later = { size: this.#roots.size, root: this.#roots.root() };
    for (const kept of this.#earlier) {
      if (kept.size !== from) continue;
      this.#earlier.delete(kept);
      if (provesConsistency(kept, later, hashes)) this.keptMet.push(from);
      else
        this.#report.find(
          'kept checkpoint',
          { line },
          `The log before entry ${later.size} does not begin with the ${from} entries of the checkpoint you kept: it was changed, forked or rebuilt.`,
        );
    }
  }

  #end(source: string, line: number): void {
    const final = readFinal(source, this.#trust, line, this.#report);
    this.final = final;
    if (final === null) return;
    const { size } = this.#roots;
    if (final.size !== size)
      this.#report.find(
        'incomplete',
        { line },
        `The last checkpoint is about ${final.size} entries and the file leads to ${size}: ${final.size > size ? 'entries were dropped' : 'entries were added or the checkpoint was replaced'}.`,
      );
    else if (!final.root.equals(this.#roots.root()) && !this.#inner.broken)
      this.#report.find(
        'root',
        { line },
        `${spanOf(this.#inner.good, size)} not what was signed, or what stands before the file is not: something was edited, dropped, added or moved, or the checkpoint was replaced.`,
      );
  }

  finish(): void {
    for (const kept of [...this.#due.values()].flat())
      this.#report.find(
        'kept checkpoint',
        {},
        `The checkpoint you kept is about ${kept.size} entries and the file ends after ${this.#roots.size}: the end was cut off, or the file is older than the checkpoint.`,
      );
    for (const kept of this.#earlier) {
      const message = `The checkpoint you kept is about ${kept.size} entries and the file begins after ${this.from}`;
      if (this.keptMet.length > 0) this.#report.remark('part of the log', null, `${message}: that one was not compared.`);
      else this.#report.find('kept checkpoint', {}, `${message}: it proves nothing of it. Export from the start, or with --checkpoint.`);
    }
    if (this.#unopened > 0)
      this.#report.remark('values', null, `${this.#unopened} entries hold values that are not shown: erased, or exported without them.`);
  }
}
