import type { CellOut } from '../cellOut';

const TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The 16 bytes of a UUID; null when this is none. */
export function readUuid(bytes: Buffer, start: number, end: number, format: number): Buffer | null {
  if (format === 1) return end - start === 16 ? bytes.subarray(start, end) : null;
  if (end - start !== 36) return null;
  return uuidOf(bytes.toString('latin1', start, end));
}

export function uuidOf(text: string): Buffer | null {
  return TEXT.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : null;
}

export function writeUuid(uuid: Buffer, format: number, out: CellOut): true {
  if (format === 1) out.append(uuid);
  else {
    const hex = uuid.toString('hex');
    out.text(`${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`);
  }
  return true;
}
