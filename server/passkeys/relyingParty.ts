import { isIP } from 'node:net';
import { getRuntime } from '../runtime';

/** What passkeys are for (WebAuthn §4, relying party): a host name and one origin of it, or why there can be none. */
export type RelyingParty = { state: 'on'; id: string; origin: string } | { state: 'off'; why: string };

/**
 * Made of the configured address of the console, and never of what a request says. Pure.
 * A browser takes passkeys for a name alone, over https, or for localhost; so a console on loopback has them at http://localhost.
 */
export function relyingPartyOf(consoleUrl: string): RelyingParty {
  const { protocol, hostname, port, origin } = new URL(consoleUrl);
  if (protocol === 'http:' && (hostname === 'localhost' || isLoopback(hostname)))
    return { state: 'on', id: 'localhost', origin: `http://localhost${port === '' ? '' : `:${port}`}` };
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0)
    return { state: 'off', why: `passkeys need a host name, and this console is reached at ${origin}: set CONSOLE_URL to a name` };
  if (protocol !== 'https:')
    return { state: 'off', why: `passkeys need https, and this console is reached at ${origin}: set CONSOLE_URL to its https address` };
  return { state: 'on', id: hostname, origin };
}

const isLoopback = (hostname: string): boolean => /^127(\.\d{1,3}){3}$/.test(hostname) || hostname === '[::1]';

/** Of this gateway. */
export const relyingParty = (): RelyingParty => relyingPartyOf(getRuntime().consoleUrl);

/** Where browsers take them, for people to read. */
export function whereTaken(): { origin: string | null; whyNot: string | null } {
  const party = relyingParty();
  return party.state === 'on' ? { origin: party.origin, whyNot: null } : { origin: null, whyNot: party.why };
}
