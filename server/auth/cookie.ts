/**
 * The console's session cookie: HttpOnly, SameSite=Lax; behind https Secure, and under a name that no other host of the domain can set
 * (`__Host-`, RFC 6265bis §4.1.3.2).
 */
export const cookieName = (consoleUrl: string): string => `${consoleUrl.startsWith('https:') ? '__Host-' : ''}gatehouse.session`;

/** A working day; signing in again is one link or one single sign-on. */
export const SESSION_MAX_AGE_S = 12 * 3_600;

/** The value of one cookie in a Cookie header (RFC 6265 §4.2); null when absent. */
export function readCookie(header: string | undefined, name: string): string | null {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}

/** What the console's cookie says: who signed in, when, and by whose word. Nothing in it could go stale. */
export interface CookieClaims {
  /** The principal's id. */
  sub: string;
  /** The id of the provider, the passkey or the local account; null for a one-time link. */
  by: string | null;
  /** The id of the sign-on at the provider, where single logout can end it. */
  signOn: string | null;
  /** Milliseconds since 1970. */
  at: number;
}

/** Pure. Null for what this version did not write. */
export function readClaims(claims: Readonly<Record<string, unknown>> | null): CookieClaims | null {
  // A cookie of before there was single logout does not say.
  const { sub, by, at, signOn = null } = claims ?? {};
  if (typeof sub !== 'string' || typeof at !== 'number' || (by !== null && typeof by !== 'string')) return null;
  return signOn === null || typeof signOn === 'string' ? { sub, by, at, signOn } : null;
}
