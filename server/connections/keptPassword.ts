import type { PasswordFrom, TlsMode } from '../../db/schema/shapes';

/** Where a password was given for, and how it was secured on its way. */
interface Destination {
  host: string;
  port: number;
  tls: TlsMode;
  tlsCa: string | null;
}

interface StoredPassword extends Destination {
  passwordSealed: string | null;
  passwordFrom?: PasswordFrom | null;
}

/** From nothing that could be checked to everything. */
const STRENGTH: Readonly<Record<TlsMode, number>> = { disable: 0, prefer: 1, require: 2, 'verify-ca': 3, 'verify-full': 4 };
const VERIFIED = STRENGTH['verify-ca'];

/**
 * Why a password that is not given again cannot be kept; null when it can, or there is none. It is for the server it was given for: kept for
 * another one, or where less proves that it is the same, whoever edits connections could have it sent to themselves.
 */
export function keptPasswordIssue(stored: StoredPassword | undefined, wanted: Destination): string | null {
  if (stored === undefined || (stored.passwordSealed === null && stored.passwordFrom == null)) return null;
  if (stored.host !== wanted.host || stored.port !== wanted.port) return 'host or port changed';
  if (STRENGTH[wanted.tls] < STRENGTH[stored.tls]) return `tls is less than ${stored.tls}`;
  if (STRENGTH[stored.tls] >= VERIFIED && stored.tlsCa !== wanted.tlsCa) return 'tlsCa changed, which says whom to take for the server';
  return null;
}
