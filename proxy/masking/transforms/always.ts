import type { CellMask } from '../cellOut';

/** SQL NULL for every value: what is left where a type cannot hold the masked one. */
export const toNull: CellMask = () => false;

/** The same bytes for every value. */
export function always(value: Buffer): CellMask {
  return (_bytes, _start, _end, out) => {
    out.append(value);
    return true;
  };
}
