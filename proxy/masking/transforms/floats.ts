import type { CellMask, CellOut } from '../cellOut';

const TEXT = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** Null for NaN, infinities and what is no number. */
export function floatOf(text: string): number | null {
  if (!TEXT.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function readFloat(bytes: Buffer, start: number, end: number, size: 4 | 8, format: number): number | null {
  if (format === 0) return floatOf(bytes.toString('latin1', start, end));
  if (end - start !== size) return null;
  const value = size === 4 ? bytes.readFloatBE(start) : bytes.readDoubleBE(start);
  return Number.isFinite(value) ? value : null;
}

/** Appends a float in the column's format; false when the type has no room for it. Zero has no sign: it would tell that of what was rounded. */
export function writeFloat(value: number, size: 4 | 8, format: number, out: CellOut): boolean {
  if (!Number.isFinite(size === 4 ? Math.fround(value) : value)) return false;
  const signed = value === 0 ? 0 : value;
  if (format === 0) out.text(String(signed));
  else {
    out.reserve(size);
    out.length = size === 4 ? out.bytes.writeFloatBE(signed, out.length) : out.bytes.writeDoubleBE(signed, out.length);
  }
  return true;
}

/** Rounds to a multiple of `step`, halves away from zero, or down to one. */
export function floatMask(step: number, bucket: boolean, size: 4 | 8, format: number): CellMask {
  // A step like 0.01 is no binary fraction: dividing by 100 gives the nearest value, multiplying by 0.01 may not.
  const parts = Math.round(1 / step);
  const divides = step < 1 && Math.abs(1 / step - parts) < 1e-9 * parts;
  return (bytes, start, end, out) => {
    const value = readFloat(bytes, start, end, size, format);
    if (value === null) return false;
    const count = divides ? value * parts : value / step;
    const whole = bucket ? Math.floor(count) : Math.sign(count) * Math.round(Math.abs(count));
    return writeFloat(divides ? whole / parts : whole * step, size, format, out);
  };
}
