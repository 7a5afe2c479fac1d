import { eq, inArray } from 'drizzle-orm';
import { principals, tokens } from '../../db/schema/identity';
import type { IdentityProvider, TokenIdentity } from '../../db/schema/identityShapes';
import type { Store } from '../../db/store';
import { loadPrincipal } from '../identity/principal';
import { actingFor, bothMayConnect, opens } from '../identity/signIn';
import type { PolicySnapshot } from '../policy/types';
import type { OpenSession } from './gateway';

/**
 * Why a session may not go on, in words for its client; null when it may. Its principal, and the person it acts for, are then as they are
 * now: what they may no longer do, the session may not do from its next statement on.
 */
export async function whyEnded(store: Store, policy: PolicySnapshot, { session, signedIn }: OpenSession): Promise<string | null> {
  const { facts } = session;
  const { credential, identity } = signedIn;
  if (credential.kind === 'token') {
    const [token] = await store.select().from(tokens).where(eq(tokens.id, credential.tokenId));
    if (token === undefined || token.revokedAt !== null) return 'the access token was revoked';
    if (token.expiresAt !== null && token.expiresAt <= new Date()) return 'the access token expired';
    credential.connections = token.connections;
    // A rotation brings it forward.
    signedIn.expiresAt = token.expiresAt;
  }
  if (identity !== null && !stillVouches(policy.providers ?? [], identity)) return 'the identity provider was removed or is another';
  const [principal, person] = await Promise.all([
    loadPrincipal(store, facts.principal.id),
    signedIn.person === null ? null : loadPrincipal(store, signedIn.person.id),
  ]);
  if (principal === null) return 'the principal was disabled';
  if (signedIn.person !== null && person === null) return 'the person it acts for was disabled';
  if (identity !== null && (await signedOut(store, identity, [principal.id, ...(person === null ? [] : [person.id])])))
    return 'signed out everywhere';
  if (!policy.connections.has(facts.connectionName)) return 'the connection was removed';
  if (!opens(credential, facts.connectionName) || !bothMayConnect(policy.access, { principal, person }, facts.connectionName, new Date()))
    return 'access to the connection was withdrawn';
  signedIn.person = person;
  facts.principal = actingFor(principal, person);
  return null;
}

/** The one that said it, and what it says it is. Pure. */
export const stillVouches = (
  providers: readonly (IdentityProvider & { id: string })[],
  { providerId, issuer }: Pick<TokenIdentity, 'providerId' | 'issuer'>,
): boolean => providers.some((each) => each.id === providerId && (each.type !== 'oidc' || each.issuer === issuer));

/** Whoever signed out everywhere meant identities of before, and those whose time nobody knows. */
async function signedOut(store: Store, { issuedAt }: TokenIdentity, ids: string[]): Promise<boolean> {
  const rows = await store.select({ at: principals.signedOutAt }).from(principals).where(inArray(principals.id, ids));
  return rows.some(({ at }) => at !== null && (issuedAt === null || new Date(issuedAt) <= at));
}
