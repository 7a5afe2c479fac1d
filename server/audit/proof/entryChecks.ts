import type { Leaf } from '../../../proxy/record/leaf';
import { opensCommitment } from '../../../proxy/tlog/commitment';
import type { EntryLine } from './lines';
import type { ReportBuilder } from './report';
import { quoted } from './trust';

/** Clocks of several processes and the order in which turns are written: less than this is no step back. */
const CLOCK_SLACK_MS = 2_000;

/** What is asked of each entry by itself: the values it opens. @returns how many are what was committed to */
export function checkOpened({ index, leaf, opened }: EntryLine, line: number, report: ReportBuilder): number {
  let good = 0;
  for (const [name, [salt, value]] of Object.entries(opened ?? {})) {
    const commitment = leaf.values !== undefined && Object.hasOwn(leaf.values, name) ? leaf.values[name] : undefined;
    if (commitment === undefined)
      report.find(
        'value',
        { line, entry: index },
        `Entry ${index} shows a value ${quoted(name)} that it never committed to: it was added.`,
      );
    else if (!opensCommitment(commitment, salt, name, value))
      report.find(
        'value',
        { line, entry: index },
        `The value ${quoted(name)} of entry ${index} is not the recorded one: value or salt was changed.`,
      );
    else good++;
  }
  return good;
}

/** What is asked of entries as they follow each other in their journals. */
export class JournalChecks {
  readonly #next = new Map<string, { seq: number; atMs: number }>();
  readonly #fromStart: boolean;
  /** Journals of which bytes were reported as unreadable since their last entry. */
  readonly #damaged = new Set<string>();

  constructor(fromStart: boolean) {
    this.#fromStart = fromStart;
  }

  check(index: number, leaf: Leaf, line: number, report: ReportBuilder): void {
    if (leaf.entry.type === 'damage') this.#noteDamage(index, leaf, report);
    if (leaf.journal === null || leaf.seq === null) return;
    const known = this.#next.get(leaf.journal);
    const expected = known?.seq ?? (this.#fromStart ? 0 : leaf.seq);
    const isGapOfDamage = leaf.seq > expected && this.#damaged.delete(leaf.journal);
    if (leaf.seq !== expected && !isGapOfDamage)
      report.find(
        'sequence',
        { line, entry: index },
        leaf.seq > expected
          ? `Entries ${expected} to ${leaf.seq - 1} of the journal ${quoted(leaf.journal)} are missing before entry ${index}: they were written and did not reach the log.`
          : `Entry ${index} is number ${leaf.seq} of the journal ${quoted(leaf.journal)} where ${expected} was due: an entry came twice or out of order.`,
      );
    const { atMs } = leaf.entry;
    const at = typeof atMs === 'number' ? atMs : (known?.atMs ?? 0);
    if (known !== undefined && at < known.atMs - CLOCK_SLACK_MS)
      report.remark('clock', index, `The clock went back by ${Math.round((known.atMs - at) / 1000)} s before entry ${index}.`);
    this.#next.set(leaf.journal, { seq: leaf.seq + 1, atMs: at });
  }

  #noteDamage(index: number, leaf: Leaf, report: ReportBuilder): void {
    const { journal, segment, fromByte, toByte, why } = leaf.entry;
    const name = typeof journal === 'string' ? journal : leaf.journal;
    if (name !== null) this.#damaged.add(name);
    report.remark(
      'damage',
      index,
      `Entry ${index}: bytes ${String(fromByte)} to ${String(toByte)} of segment ${String(segment)} of ${name === null ? 'a journal' : `the journal ${quoted(name)}`} could not be read when they were recorded (${quoted(String(why))}); what stood there is not in the log.`,
    );
  }
}
