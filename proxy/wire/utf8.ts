/** PostgreSQL's pg_verifymbstr names at most this many bytes. */
const MAX_NAMED_BYTES = 8;

/**
 * The bytes of the first sequence that is no UTF-8, as PostgreSQL's 22021 names them: `0xed 0xa0 0x80`. As many as the first of them
 * announces (pg_utf_mblen), not more than there are. Null when the text is valid.
 */
export function invalidBytes(text: Uint8Array): string | null {
  for (let at = 0; at < text.length; ) {
    const length = announced(text[at] ?? 0);
    if (!isCharacter(text.subarray(at, at + length), length)) return named(text.subarray(at, at + Math.min(length, MAX_NAMED_BYTES)));
    at += length;
  }
  return null;
}

/** pg_utf_mblen: by the first byte alone; what announces nothing stands for itself. */
function announced(first: number): number {
  if ((first & 0xe0) === 0xc0) return 2;
  if ((first & 0xf0) === 0xe0) return 3;
  return (first & 0xf8) === 0xf0 ? 4 : 1;
}

/** pg_utf8_islegal (RFC 3629): no NUL, no overlong form, no surrogate, nothing above U+10FFFF. */
function isCharacter(bytes: Uint8Array, length: number): boolean {
  const [first = 0, second = 0] = bytes;
  if (bytes.length < length) return false;
  if (length === 1) return first > 0 && first < 0x80;
  if (!bytes.subarray(1).every((byte) => byte >= 0x80 && byte <= 0xbf)) return false;
  if (first === 0xe0) return second >= 0xa0;
  if (first === 0xed) return second <= 0x9f;
  if (first === 0xf0) return second >= 0x90;
  if (first === 0xf4) return second <= 0x8f;
  return first >= 0xc2 && first <= 0xf4;
}

function named(bytes: Uint8Array): string {
  return [...bytes].map((byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(' ');
}
