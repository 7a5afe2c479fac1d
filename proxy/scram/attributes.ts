/** Value of standard base64 with its padding; null for anything else. `Buffer.from` alone skips what it does not know. */
export function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

/**
 * The parts of a SCRAM message, `name=value` between commas, in their order (RFC 5802, section 5.1); null when one is not of that form.
 * A value may hold `=`, never a comma.
 */
export function readAttributes(message: string): { name: string; value: string }[] | null {
  const parts: { name: string; value: string }[] = [];
  for (const part of message.split(',')) {
    const [, name, value] = /^([A-Za-z])=(.*)$/s.exec(part) ?? [];
    if (name === undefined || value === undefined) return null;
    parts.push({ name, value });
  }
  return parts;
}

/** A nonce is printable ASCII without commas. */
export const isNonce = (text: string): boolean => /^[\x21-\x2b\x2d-\x7e]+$/.test(text);
