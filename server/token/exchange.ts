import { eq } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import type { Store } from '../../db/store';
import { type Assertion, IdentityRefused, IssuerUnavailable } from '../../proxy/identity/assertion';
import { resolveAssertion } from '../../proxy/identity/resolve';
import { mayConnect } from '../../proxy/identity/signIn';
import type { JwtVerifier } from '../../proxy/identity/verifyJwt';
import { loadPolicy } from '../../proxy/policy/snapshot';
import type { PolicySnapshot, Principal } from '../../proxy/policy/types';
import { recordAction } from '../actions/record';
import { makeToken } from '../tokens/make';
import { createAttempts } from '../web/attempts';
import { type Grant, TokenRefused } from './grants';
import type { Granted } from './handler';

const DEFAULT_S = 3_600;
/** Tokens for one principal in a minute: a program keeps its token while it works, and the store keeps each. */
const MOST_A_MINUTE = 60;
const given = createAttempts({ failures: MOST_A_MINUTE });

/**
 * Gives whoever a provider vouches for a short token of ours (RFC 8693): for programs that cut long passwords, or that sign in with SCRAM. It
 * lives no longer than the JWT.
 *
 * @throws TokenRefused; IdentityRefused with the reason, which is for the log
 */
export async function exchange(
  store: Store,
  verifier: JwtVerifier,
  grant: Extract<Grant, { kind: 'exchange' }>,
  now: Date,
): Promise<Granted> {
  const policy = await loadPolicy(store);
  const assertion = await vouched(verifier, policy, grant, now);
  const provider = policy.providers?.find(({ id }) => id === assertion.providerId);
  if (provider === undefined) throw new IdentityRefused('the provider is gone');
  const { principal, person, identity } = await resolveAssertion(store, provider, assertion, now);
  const waitS = given.blocked(principal.id, now.getTime());
  if (waitS !== null) throw new TokenRefused('slow_down', 'too many tokens for one principal: keep one while it works', waitS);
  given.failed(principal.id, now.getTime());
  for (const name of grant.connections)
    if (!policy.connections.has(name) || ![principal, person].every((who) => who === null || opens(policy, who, name, now)))
      throw new TokenRefused('invalid_target', `audience: ${principal.name} may not use a connection ${name}`);
  const leftS = Math.floor(((assertion.expiresAt?.getTime() ?? now.getTime()) - now.getTime()) / 1_000);
  const lifeS = Math.min(grant.expiresInS ?? DEFAULT_S, leftS);
  if (lifeS < 1) throw new IdentityRefused('the JWT is about to expire');
  const expiresAt = new Date(now.getTime() + lifeS * 1_000);
  // For no connection in particular it is as any token of theirs, and opens the API as their role may.
  const connections = grant.connections.length > 0 ? grant.connections : null;
  return store.transaction(async (tx) => {
    const [row] = await tx.select({ salt: principals.scramSalt }).from(principals).where(eq(principals.id, principal.id));
    const made = await makeToken(tx, {
      principal: { id: principal.id, salt: row?.salt ?? '' },
      kind: 'access',
      label: `exchanged at ${provider.name}`,
      connections,
      identity,
      expiresAt,
    });
    const { id, name, kind, role, groups } = principal;
    await recordAction(
      tx,
      { id, name, kind, role, groups, via: 'cli' },
      {
        action: 'token.exchange',
        subject: name,
        after: { id: made.id, hint: made.hint, expiresAt, connections, provider: provider.name, onBehalfOf: person?.name ?? null },
      },
    );
    return { secret: made.secret, expiresInS: lifeS, principal: name, connections };
  });
}

/** A subject's token may name who may act for it, and then nobody else does (RFC 8693 §4.4). */
export function demandMayAct(
  { claims: { may_act: mayAct } }: Pick<Assertion, 'claims'>,
  actor: Pick<Assertion, 'issuer' | 'subject'>,
): void {
  if (mayAct === undefined) return;
  const named = typeof mayAct === 'object' && mayAct !== null && 'sub' in mayAct ? mayAct : null;
  const sameIssuer = named !== null && (!('iss' in named) || named.iss === actor.issuer);
  if (named === null || named.sub !== actor.subject || !sameIssuer)
    throw new IdentityRefused('the subject token does not let this actor act for it (may_act)');
}

const opens = (policy: PolicySnapshot, who: Principal, connection: string, now: Date) => mayConnect(policy.access, who, connection, now);

async function vouched(
  verifier: JwtVerifier,
  { providers = [] }: PolicySnapshot,
  { subjectToken, actorToken }: Extract<Grant, { kind: 'exchange' }>,
  now: Date,
): Promise<Assertion> {
  try {
    const subject = await verifier.verify(providers, subjectToken, now);
    if (actorToken === null) return subject;
    const actor = await verifier.verify(providers, actorToken, now);
    // Who acts is listed by the provider of whom they act for: another one's subject of the same name is somebody else.
    if (actor.providerId !== subject.providerId) throw new IdentityRefused('the actor token is another provider’s');
    demandMayAct(subject, actor);
    const ends = [subject.expiresAt, actor.expiresAt].flatMap((at) => (at === null ? [] : [at.getTime()]));
    return {
      ...subject,
      actors: [actor.subject, ...actor.actors, ...subject.actors],
      expiresAt: ends.length === 0 ? null : new Date(Math.min(...ends)),
    };
  } catch (error) {
    if (error instanceof IssuerUnavailable) throw new TokenRefused('temporarily_unavailable', `${error.message}; try again in a moment`);
    throw error;
  }
}
