import { createHash } from 'node:crypto';

/** All that makes a statement the one that was approved. Anything else is another request. */
export interface DigestParts {
  /** The exact text, with what an EXECUTE names. */
  sql: string;
  /** Types, formats and values of its parameters as the client bound them; empty without any. */
  parameters: Uint8Array;
  principalId: string;
  ownerId: string | null;
  connectionName: string;
  /** Where its names are looked up, and as whom: the connection's own database and role, or what the server says they are by now. */
  place: readonly string[];
  policyVersion: number;
}

/** SHA-256 over the parts, each with its length in front, so that no two lists of parts are the same bytes. Hex. */
export function digestOf(parts: DigestParts): string {
  const hash = createHash('sha256');
  const add = (part: string | Uint8Array) => {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    hash.update(`${bytes.length}:`).update(bytes);
  };
  add(parts.sql);
  add(parts.parameters);
  add(parts.principalId);
  add(parts.ownerId ?? '');
  add(parts.connectionName);
  add(String(parts.place.length));
  for (const part of parts.place) add(part);
  add(String(parts.policyVersion));
  return hash.digest('hex');
}
