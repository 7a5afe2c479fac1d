/** The console's session cookie: HttpOnly, SameSite=Lax, Secure where the console is served over HTTPS. */
export const COOKIE_NAME = 'gatehouse.session';

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
