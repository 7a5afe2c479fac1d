import { readCookie } from '../cookie';

/** Where a browser that signs in gets its challenge. */
export const PASSKEY_PATH = '/api/passkey';

/** The cookie that says which browser a challenge was made for: under a name that no other host of the domain can set, where there is https. */
export const browserCookie = (consoleUrl: string): string => `${consoleUrl.startsWith('https:') ? '__Host-' : ''}gatehouse.passkey`;

/** The secret in it; null without one. */
export function browserOf(cookie: string | undefined, consoleUrl: string): string | null {
  const value = readCookie(cookie, browserCookie(consoleUrl));
  return value !== null && /^[\w-]{32}$/.test(value) ? value : null;
}
