/**
 * The bytes a bytea stands for; null when its text is neither of PostgreSQL's two forms (bytea_output: `\x…`, or escape: `\\` and `\ooo`).
 */
export function readBytea(bytes: Buffer, start: number, end: number, format: number): Buffer | null {
  if (format === 1) return bytes.subarray(start, end);
  if (bytes[start] === 0x5c && bytes[start + 1] === 0x78) {
    const hex = bytes.toString('latin1', start + 2, end);
    return /^(?:[0-9a-f]{2})*$/i.test(hex) ? Buffer.from(hex, 'hex') : null;
  }
  const value = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== 0x5c) value[length++] = byte;
    else if (bytes[at + 1] === 0x5c) {
      value[length++] = 0x5c;
      at++;
    } else {
      const octal = bytes.toString('latin1', at + 1, Math.min(at + 4, end));
      if (!/^[0-3][0-7]{2}$/.test(octal)) return null;
      value[length++] = Number.parseInt(octal, 8);
      at += 3;
    }
  }
  return value.subarray(0, length);
}
