import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a cookie-carrying mutation was sent by our own page. A browser sets Sec-Fetch-Site and Origin itself, and a page cannot forge
 * them; a request with neither is refused. JSON only: a form on another site can post text, but not JSON, without asking first (CORS).
 */
export function sameOrigin(headers: IncomingHttpHeaders, consoleUrl: string): boolean {
  if (headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== 'application/json') return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const origin = headers.origin;
  if (origin === undefined) return false;
  if (origin === new URL(consoleUrl).origin) return true;
  return headers.host !== undefined && (origin === `http://${headers.host}` || origin === `https://${headers.host}`);
}
