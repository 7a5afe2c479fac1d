import { decode } from 'next-auth/jwt';
import { loadPrincipal } from '../../proxy/identity/principal';
import type { Actor } from '../identity/actor';
import type { Runtime } from '../runtime';
import { principalOfToken } from './bearer';
import { COOKIE_NAME, readCookie } from './cookie';
import { recordFailedSignIn } from './recordSignIn';
import { consoleSecret } from './secret';

/** The two request headers that can prove who asks. */
export interface Credentials {
  authorization?: string | undefined;
  cookie?: string | undefined;
}

/**
 * Who makes this request: by access token (`Authorization: Bearer gh_at_…`) or by the console's cookie; null when nobody is signed in.
 * A given token that does not hold is null too: it never falls back to the cookie. Role, groups and disabling are read anew each time.
 */
export async function sessionActor(runtime: Pick<Runtime, 'store' | 'secretKey'>, headers: Credentials): Promise<Actor | null> {
  if (headers.authorization !== undefined) {
    const [scheme, token] = headers.authorization.split(' ', 2);
    if (scheme?.toLowerCase() !== 'bearer' || token === undefined) return null;
    const principal = await principalOfToken(runtime.store, token);
    if (principal === null) {
      await recordFailedSignIn(runtime.store, 'cli', 'access token');
      return null;
    }
    return actorOf(principal, 'cli');
  }
  const principalId = await cookiePrincipalId(runtime.secretKey, headers.cookie);
  if (principalId === null) return null;
  const principal = await loadPrincipal(runtime.store, principalId);
  return principal === null ? null : actorOf(principal, 'console');
}

async function cookiePrincipalId(secretKey: Buffer, header: string | undefined): Promise<string | null> {
  const token = readCookie(header, COOKIE_NAME);
  if (token === null || token === '') return null;
  try {
    const claims = await decode({ token, secret: consoleSecret(secretKey) });
    return claims?.sub ?? null;
  } catch {
    // Forged, expired, or sealed with a key that has since changed: not signed in.
    return null;
  }
}

const actorOf = (
  principal: { id: string; name: string; kind: Actor['kind']; role: Actor['role']; groups: readonly string[] },
  via: 'console' | 'cli',
): Actor => ({
  id: principal.id,
  name: principal.name,
  kind: principal.kind,
  role: principal.role,
  groups: principal.groups,
  via,
});
