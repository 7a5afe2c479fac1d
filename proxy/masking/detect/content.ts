import type { MaskSpec } from '../../../db/schema/shapes';
import { type CellMask, CellOut } from '../cellOut';
import { compareMasks } from '../strictest';
import { find } from './find';
import { ESCAPED, mayHold } from './prefilter';
import type { DetectingRule } from './rules';
import { type ByteRange, bitsOf, DETECTORS, Scan } from './scan';
import { spanMask } from './spanMask';

/** unchanged: the cell was appended as it is. changed: something else was. toNull, tooMuch: nothing may be left of what was appended. */
export type Outcome = 'unchanged' | 'changed' | 'toNull' | 'tooMuch';

/** Looks through bytes[start..end) of one type and format and appends what leaves. */
export type CellScan = (bytes: Buffer, start: number, end: number, out: CellOut) => Outcome;

/** What becomes of a detector's hits: the mask of the strictest enforced rule that has it. null: the cell becomes NULL. */
interface Action {
  mask: CellMask | null;
  spec: MaskSpec;
}

const scan = new Scan();
/** What a mask made of a span, before it is escaped. */
const masked = new CellOut(256);

/** Rules made ready for cells: what is looked for, what becomes of it, and what was found in the cell under way. */
export class Content {
  /** Detectors of any rule, as bits. */
  readonly wanted: number;
  /** Detectors whose hits are masked and not only counted, as bits. */
  readonly enforced: number;
  /** Some enforced rule masks with NULL: so is what cannot be looked through. */
  readonly nulls: boolean;
  /** Bits of the detectors that found something in this cell. */
  found = 0;
  readonly #actions: readonly (Action | null)[];

  constructor(rules: readonly DetectingRule[], hashKey: Buffer) {
    const enforcing = rules.filter((rule) => rule.mode === 'enforce');
    this.wanted = rules.reduce((bits, rule) => bits | bitsOf(rule.detectors), 0);
    this.enforced = enforcing.reduce((bits, rule) => bits | bitsOf(rule.detectors), 0);
    this.nulls = enforcing.some((rule) => rule.spec.type === 'null');
    this.#actions = DETECTORS.map((detector) => {
      const [strictest] = enforcing.filter((rule) => rule.detectors.includes(detector)).sort((a, b) => compareMasks(a.spec, b.spec));
      return strictest === undefined ? null : { mask: spanMask(strictest.spec, hashKey), spec: strictest.spec };
    });
  }

  beginCell(): void {
    this.found = 0;
    scan.beginCell();
  }

  /** False when nothing this looks for can be in these bytes, JSON escapes included. */
  mayHold(bytes: Buffer, start: number, end: number): boolean {
    return (mayHold(bytes, start, end) & (this.wanted | ESCAPED)) !== 0;
  }

  /** Counts a hit on a value that is no text; whether it is to be masked. */
  hit(detector: number): boolean {
    this.found |= 1 << detector;
    return (this.enforced & (1 << detector)) !== 0;
  }

  /** Text: the spans found are replaced. */
  text(bytes: Buffer, start: number, end: number, out: CellOut, label: ByteRange | null = null): Outcome {
    switch (this.look(bytes, start, end, label)) {
      case 'tooMuch':
        return 'tooMuch';
      case 'found':
        return this.replace(out, false);
      default:
        out.append(bytes, start, end);
        return 'unchanged';
    }
  }

  /** Looks into text and appends nothing; what is found is there until the next look. `label` is a JSON key. */
  look(bytes: Buffer, start: number, end: number, label: ByteRange | null): 'nothing' | 'found' | 'tooMuch' {
    const likely = mayHold(bytes, start, end) & this.wanted;
    if (likely === 0) return 'nothing';
    scan.begin(bytes, start, end, label);
    find(scan, likely);
    if (scan.overflow) return 'tooMuch';
    return scan.spans.length > 0 ? 'found' : 'nothing';
  }

  /** Appends the text of the last look with its spans masked. `json`: what replaces them is escaped for the inside of a JSON string. */
  replace(out: CellOut, json: boolean): Outcome {
    const spans = this.#merged();
    if (spans.some(({ action }) => action.mask === null)) return 'toNull';
    let copied = scan.start;
    for (const { start, end, action } of spans) {
      out.append(scan.bytes, copied, start);
      if (json) {
        masked.length = 0;
        action.mask?.(scan.bytes, start, end, masked);
        out.text(JSON.stringify(masked.bytes.toString('utf8', 0, masked.length)).slice(1, -1));
      } else action.mask?.(scan.bytes, start, end, out);
      copied = end;
    }
    out.append(scan.bytes, copied, scan.end);
    return spans.length === 0 ? 'unchanged' : 'changed';
  }

  /** The spans to be masked, in order; where they overlap they are one, with the stricter mask. */
  #merged(): { start: number; end: number; action: Action }[] {
    const spans: { start: number; end: number; action: Action }[] = [];
    for (let i = 0; i < scan.spans.length; i += 3) {
      const [start = 0, end = 0, detector = 0] = scan.spans.slice(i, i + 3);
      this.found |= 1 << detector;
      const action = this.#actions[detector];
      if (action !== null && action !== undefined) spans.push({ start, end, action });
    }
    spans.sort((a, b) => a.start - b.start);
    return spans.reduce<typeof spans>((merged, span) => {
      const last = merged.at(-1);
      if (last === undefined || span.start >= last.end) merged.push(span);
      else {
        last.end = Math.max(last.end, span.end);
        if (compareMasks(span.action.spec, last.action.spec) < 0) last.action = span.action;
      }
      return merged;
    }, []);
  }
}
