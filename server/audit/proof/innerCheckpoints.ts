import { parseCheckpoint, type SignedCheckpoint } from '../../../proxy/tlog/checkpoint';
import { signatureOf } from '../../../proxy/tlog/note';
import type { EntryLine } from './lines';
import type { RecentRoots } from './recentRoots';
import type { ReportBuilder } from './report';
import { messageOf, quoted, type Trust } from './trust';

/** A checkpoint in the log, and the entry that quotes it. */
export interface LateCheckpoint {
  size: number;
  root: Buffer;
  entry: number;
}

/** The checkpoints that stand in the log as entries: of the log itself, and of others that it quotes. */
export class InnerCheckpoints {
  met = 0;
  /** Entries up to here lead to a checkpoint that was signed. */
  good: number;
  /** The first that the entries do not lead to; those behind it say nothing new. */
  broken = false;
  /** Quoted so long after they were signed that their roots are known no more: to be compared in a second reading. */
  readonly late: LateCheckpoint[] = [];
  readonly #others = new Map<string, { size: number; root: Buffer; entry: number }>();

  constructor(from: number) {
    this.good = from;
  }

  check({ index, leaf }: EntryLine, roots: RecentRoots, trust: Trust, line: number, report: ReportBuilder): void {
    const { type, notes } = leaf.entry;
    if (type !== 'checkpoint') return;
    for (const note of Array.isArray(notes) ? notes : [null]) {
      let checkpoint: SignedCheckpoint;
      try {
        checkpoint = parseCheckpoint(typeof note === 'string' ? note : '');
      } catch (error) {
        report.find('inner checkpoint', { line, entry: index }, `Entry ${index} quotes a checkpoint that is none: ${messageOf(error)}.`);
        continue;
      }
      if (checkpoint.origin === trust.origin) this.#checkOwn(checkpoint, index, roots, trust, line, report);
      else this.#checkOther(checkpoint, index, line, report);
    }
  }

  #checkOwn(checkpoint: SignedCheckpoint, index: number, roots: RecentRoots, trust: Trust, line: number, report: ReportBuilder): void {
    const place = { line, entry: index };
    const { size } = checkpoint;
    if (signatureOf(checkpoint.note, trust.key) !== 'valid')
      report.find('inner checkpoint', place, `Entry ${index} quotes a checkpoint that the key of this log did not sign.`);
    if (size > index) {
      report.find('inner checkpoint', place, `Entry ${index} quotes a checkpoint about ${size} entries, which were not there yet.`);
      return;
    }
    // What lies before the first entry of the file was checked when that part was exported.
    if (size < this.good || this.broken) return;
    const root = roots.rootOf(size);
    if (root === null) this.late.push({ size, root: checkpoint.root, entry: index });
    else if (root.equals(checkpoint.root)) {
      this.met++;
      this.good = size;
    } else {
      this.broken = true;
      report.find(
        'root',
        place,
        `${spanOf(this.good, size)} not what was signed: entry ${index} quotes the checkpoint of that time. Something there was edited, dropped, added or moved.`,
      );
    }
  }

  #checkOther(checkpoint: SignedCheckpoint, index: number, line: number, report: ReportBuilder): void {
    const known = this.#others.get(checkpoint.origin);
    const { size, root } = checkpoint;
    if (known !== undefined && (size < known.size || (size === known.size && !root.equals(known.root))))
      report.find(
        'foreign checkpoint',
        { line, entry: index },
        `Entries ${known.entry} and ${index} quote checkpoints of the log ${quoted(checkpoint.origin)} that cannot both be true: that log was cut, forked or rebuilt.`,
      );
    else this.met++;
    this.#others.set(checkpoint.origin, { size, root, entry: index });
  }
}

/** `Entries 3 to 9 are`, `Entry 3 is`: [from, to). */
export const spanOf = (from: number, to: number): string => (to - from <= 1 ? `Entry ${from} is` : `Entries ${from} to ${to - 1} are`);
