import { and, eq, isNull } from 'drizzle-orm';
import { decode } from 'next-auth/jwt';
import { identityProviders, principals, signOns } from '../../db/schema/identity';
import { localAccounts } from '../../db/schema/localAccounts';
import { passkeys } from '../../db/schema/passkeys';
import { loadPrincipal } from '../../proxy/identity/principal';
import type { Actor } from '../identity/actor';
import { keepsPasswords } from '../localAccounts/offered';
import type { Runtime } from '../runtime';
import { bearerOf } from './bearer';
import { type CookieClaims, cookieName, readClaims, readCookie, SESSION_MAX_AGE_S } from './cookie';
import { recordFailedSignIn } from './recordSignIn';
import { consoleSecret } from './secret';

/** The two request headers that can prove who asks. */
export interface Credentials {
  authorization?: string | undefined;
  cookie?: string | undefined;
}

/** Who makes a request, and the connections their token is for; null: all that they may. */
export interface Asking {
  actor: Actor;
  connections: readonly string[] | null;
  /** The console session, where one asks. */
  browser?: string;
  /** The sign-on at a provider that it rests on. */
  signOn?: string;
}

/** Who may use the console and the API by this request; nobody by a token for some connections, which opens neither. */
export async function sessionActor(
  runtime: Pick<Runtime, 'store' | 'secretKey' | 'consoleUrl' | 'embeddedStore'>,
  headers: Credentials,
): Promise<Actor | null> {
  const asking = await whoAsks(runtime, headers);
  return asking === null || asking.connections !== null ? null : asking.actor;
}

/**
 * Who makes this request: by access token (`Authorization: Bearer gh_at_…`) or by the console's cookie; null when nobody is signed in.
 * A given token that does not hold is null too: it never falls back to the cookie. Role, groups and disabling are read anew each time.
 */
export async function whoAsks(
  runtime: Pick<Runtime, 'store' | 'secretKey' | 'consoleUrl' | 'embeddedStore'>,
  headers: Credentials,
): Promise<Asking | null> {
  if (headers.authorization !== undefined) {
    const [scheme, token] = headers.authorization.split(' ', 2);
    if (scheme?.toLowerCase() !== 'bearer' || token === undefined) return null;
    const bearer = await bearerOf(runtime.store, token);
    if (bearer === null) {
      await recordFailedSignIn(runtime.store, 'cli', 'access token');
      return null;
    }
    return { actor: actorOf(bearer.principal, 'cli'), connections: bearer.connections };
  }
  const claims = await cookieClaims(runtime, headers.cookie);
  if (claims === null || !(await stillHolds(runtime, claims, new Date()))) return null;
  const principal = await loadPrincipal(runtime.store, claims.sub);
  if (principal === null) return null;
  const signOn = claims.signOn === null ? {} : { signOn: claims.signOn };
  return { actor: actorOf(principal, 'console'), connections: null, browser: `${claims.sub} ${claims.at}`, ...signOn };
}

async function cookieClaims(
  { secretKey, consoleUrl }: Pick<Runtime, 'secretKey' | 'consoleUrl'>,
  header: string | undefined,
): Promise<CookieClaims | null> {
  const token = readCookie(header, cookieName(consoleUrl));
  if (token === null || token === '') return null;
  try {
    return readClaims(await decode({ token, secret: consoleSecret(secretKey) }));
  } catch {
    // Forged, expired, or sealed with a key that has since changed: not signed in.
    return null;
  }
}

/**
 * False once its working day is over, the principal was signed out everywhere or at their provider, or what vouched is gone: the provider from the
 * policy, the passkey, or the password and authenticator that were used.
 */
async function stillHolds(
  runtime: Pick<Runtime, 'store' | 'embeddedStore'>,
  { sub, by, at, signOn }: CookieClaims,
  now: Date,
): Promise<boolean> {
  if (now.getTime() - at > SESSION_MAX_AGE_S * 1_000) return false;
  const [row] = await runtime.store
    .select({
      signedOutAt: principals.signedOutAt,
      provider: identityProviders.id,
      passkey: passkeys.id,
      passwordOf: localAccounts.changedAt,
      signOn: signOns.id,
    })
    .from(principals)
    .leftJoin(identityProviders, eq(identityProviders.id, by ?? ''))
    .leftJoin(passkeys, and(eq(passkeys.id, by ?? ''), eq(passkeys.principalId, principals.id)))
    .leftJoin(localAccounts, and(eq(localAccounts.id, by ?? ''), eq(localAccounts.principalId, principals.id)))
    .leftJoin(signOns, and(eq(signOns.id, signOn ?? ''), eq(signOns.principalId, principals.id), isNull(signOns.endedAt)))
    .where(eq(principals.id, sub));
  if (row === undefined) return false;
  if (signOn !== null && row.signOn === null) return false;
  const byPassword = keepsPasswords(runtime) && row.passwordOf !== null && row.passwordOf.getTime() < at;
  if (by !== null && row.provider === null && row.passkey === null && !byPassword) return false;
  return row.signedOutAt === null || row.signedOutAt.getTime() < at;
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
