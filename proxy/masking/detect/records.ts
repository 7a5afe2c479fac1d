import { CellOut } from '../cellOut';
import type { CellScan, Content } from './content';

const nowhere = new CellOut(1024);

/** Values whose inside is not rewritten (tsvector, hstore, types of extensions): looked at as text, and NULL when anything is found. */
export function opaqueScan(content: Content): CellScan {
  return (bytes, start, end, out) => {
    nowhere.length = 0;
    const outcome = content.text(bytes, start, end, nowhere);
    if (outcome !== 'unchanged') return outcome === 'changed' ? 'toNull' : outcome;
    out.append(bytes, start, end);
    return 'unchanged';
  };
}

/** record_send: the number of fields, then type, length and value of each. NULL when anything is found in a field. */
export function recordScan(fieldScan: (typeOid: number) => CellScan | null): CellScan {
  return (bytes, start, end, out) => {
    if (end - start < 4) return 'tooMuch';
    let at = start + 4;
    while (at < end) {
      if (at + 8 > end) return 'tooMuch';
      const scan = fieldScan(bytes.readUInt32BE(at));
      const length = bytes.readInt32BE(at + 4);
      const stop = at + 8 + Math.max(length, 0);
      if (length < -1 || stop > end) return 'tooMuch';
      if (scan !== null && length >= 0) {
        // A field may be a record itself: what is appended here is taken back whatever it is.
        const before = out.length;
        const outcome = scan(bytes, at + 8, stop, out);
        out.length = before;
        if (outcome !== 'unchanged') return outcome === 'changed' ? 'toNull' : outcome;
      }
      at = stop;
    }
    out.append(bytes, start, end);
    return 'unchanged';
  };
}
