import type { IncomingHttpHeaders } from 'node:http';

/** By what another site may post here: each of them proves by itself who sends it, and takes no cookie for it. */
const PROVED_OTHERWISE: readonly RegExp[] = [
  // Slack's signature over the body.
  /^\/api\/slack\/interactions$/,
  // The identity provider's signature, and for a sign-on the request that this browser began.
  /^\/api\/saml\//,
];

const CHANGES_NOTHING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a request that may change something comes from a page of another site, in somebody's browser. A browser sets Sec-Fetch-Site and
 * Origin itself, and a page cannot forge them; what is no browser sends neither and brings no cookie of its own accord. Pure.
 */
export function fromAnotherSite(
  request: { method: string | undefined; path: string; headers: IncomingHttpHeaders },
  consoleUrl: string | null,
): boolean {
  const { headers, path } = request;
  if (CHANGES_NOTHING.has(request.method ?? 'GET') || headers.authorization !== undefined) return false;
  if (PROVED_OTHERWISE.some((form) => form.test(path))) return false;
  const site = headers['sec-fetch-site'];
  // `none`: a person typed it; no browser makes a POST of that.
  if (site !== undefined) return site !== 'same-origin';
  const { origin, host } = headers;
  if (origin === undefined) return false;
  if (consoleUrl !== null && origin === new URL(consoleUrl).origin) return false;
  return host === undefined || (origin !== `http://${host}` && origin !== `https://${host}`);
}
