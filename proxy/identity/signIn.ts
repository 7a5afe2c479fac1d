import { and, eq, gt, isNull, or, type SQL, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { prepared } from '../../db/prepared';
import { principals, tokens } from '../../db/schema/identity';
import type { TokenIdentity } from '../../db/schema/identityShapes';
import { hashSecret } from '../../db/secrets';
import type { Store, StoreHandle } from '../../db/store';
import type { AccessGrant, Principal, TimedAccess } from '../policy/types';
import { groupNames, type KnownPrincipal, principalColumns } from './principal';
import { makeVerifier } from './verifier';

export interface SignedIn {
  principal: KnownPrincipal;
  /** The person that an agent acts for by its identity: what it may, they have to be allowed too. */
  person: KnownPrincipal | null;
  /** Who it is by a provider's word; null where an administrator's or its own token says it alone. */
  identity: TokenIdentity | null;
  credential: Credential;
  /** The session may not outlive what it was opened with. */
  expiresAt: Date | null;
}

/** What somebody signed in with. */
export type Credential =
  | {
      kind: 'token';
      tokenId: string;
      /** The only ones that it opens; null: all that its principal may. */
      connections: readonly string[] | null;
      /** It has a SCRAM verifier. */
      provable: boolean;
    }
  | { kind: 'jwt' };

const LAST_USED_EVERY_MS = 60_000;

/**
 * Verifies an access token given as password. Null for every kind of failure (unknown principal, wrong, expired or revoked token,
 * token of another principal), so that the caller cannot tell them apart either. One query does the work in every case.
 */
export function signIn(store: Store, request: { user: string; password: string; now: Date }): Promise<SignedIn | null> {
  return signInBy(store, byHash(store).execute({ hash: hashSecret(request.password), now: request.now }), request);
}

/** Signs in with a token whose possession was proved (SCRAM). Null when it, or its principal, has gone meanwhile. */
export function signInProven(store: Store, request: { user: string; tokenId: string; now: Date }): Promise<SignedIn | null> {
  return signInBy(store, byToken(store).execute({ id: request.tokenId, now: request.now }), request);
}

const owners = alias(principals, 'owners');
const people = alias(principals, 'people');
const peoplesOwners = alias(principals, 'peoples_owners');

/** A live token with the principal whose it is, and the person that acts for, as far as they are there and not disabled. */
const tokenWhere = (store: StoreHandle, which: SQL) =>
  store
    .select({
      token: {
        id: tokens.id,
        identity: tokens.identity,
        connections: tokens.connections,
        scram: tokens.scram,
        lastUsedAt: tokens.lastUsedAt,
        expiresAt: tokens.expiresAt,
      },
      principal: principalColumns(principals),
      owner: { id: owners.id, name: owners.name },
      groups: groupNames(principals),
      person: principalColumns(people),
      personsOwner: { id: peoplesOwners.id, name: peoplesOwners.name },
      personsGroups: groupNames(people),
    })
    .from(tokens)
    .innerJoin(principals, and(eq(principals.id, tokens.principalId), isNull(principals.disabledAt)))
    .leftJoin(owners, eq(owners.id, principals.ownerId))
    .leftJoin(people, and(eq(people.id, sql`${tokens.identity}->>'personId'`), isNull(people.disabledAt)))
    .leftJoin(peoplesOwners, eq(peoplesOwners.id, people.ownerId))
    .where(and(which, isNull(tokens.revokedAt), or(isNull(tokens.expiresAt), gt(tokens.expiresAt, sql.placeholder('now')))));

const byHash = prepared((store) => tokenWhere(store, eq(tokens.hash, sql.placeholder('hash'))).prepare('gatehouse_token_by_hash'));
const byToken = prepared((store) => tokenWhere(store, eq(tokens.id, sql.placeholder('id'))).prepare('gatehouse_token'));

async function signInBy(
  store: Store,
  found: ReturnType<ReturnType<typeof byToken>['execute']>,
  request: { user: string; now: Date },
): Promise<SignedIn | null> {
  const [row] = await found;
  if (row === undefined || row.principal.name !== request.user) return null;
  const { token, owner, groups, personsOwner, personsGroups } = row;
  const { identity, connections } = token;
  const principal = { ...row.principal, owner, groups };
  const person = row.person === null ? null : { ...row.person, owner: personsOwner, groups: personsGroups };
  // An agent whose person is gone acts for nobody.
  if (identity?.personId != null && person === null) return null;
  // Once a minute is precise enough, and spares a write at every sign-in of a busy program.
  if (token.lastUsedAt === null || request.now.getTime() - token.lastUsedAt.getTime() > LAST_USED_EVERY_MS)
    await store.update(tokens).set({ lastUsedAt: request.now }).where(eq(tokens.id, token.id));
  return {
    principal: actingFor(principal, person),
    person,
    identity,
    credential: { kind: 'token', tokenId: token.id, connections, provable: token.scram !== null },
    expiresAt: token.expiresAt,
  };
}

/** By the identity it came with, an agent's owner is the person it acts for now. */
export const actingFor = (principal: KnownPrincipal, person: KnownPrincipal | null): KnownPrincipal =>
  person === null ? principal : { ...principal, owner: { id: person.id, name: person.name } };

/**
 * Gives a token from before there were verifiers its own, from the secret it was just used with. Milliseconds of work, off the event loop:
 * for after the sign-in.
 */
export async function addMissingVerifier(store: Store, tokenId: string, secret: string): Promise<void> {
  const [row] = await store
    .select({ salt: principals.scramSalt })
    .from(tokens)
    .innerJoin(principals, eq(principals.id, tokens.principalId))
    .where(eq(tokens.id, tokenId));
  if (row === undefined) return;
  const scram = await makeVerifier(secret, row.salt);
  await store
    .update(tokens)
    .set({ scram })
    .where(and(eq(tokens.id, tokenId), isNull(tokens.scram)));
}

/**
 * Whether a principal may open sessions on a connection now: some access grant names both the connection and one of its groups, or access
 * was given to the principal itself until later than now.
 */
export function mayConnect(
  grants: readonly (AccessGrant | TimedAccess)[],
  principal: { id: string | null; groups: readonly string[] },
  connection: string,
  now: Date,
): boolean {
  return grants.some((grant) =>
    'until' in grant
      ? grant.connection === connection && grant.principalId === principal.id && grant.until > now
      : grant.connections.some((name) => name === '*' || name === connection) &&
        grant.groups.some((group) => group === '*' || principal.groups.includes(group)),
  );
}

type Member = Pick<Principal, 'id' | 'groups'>;

/** Whether somebody who signed in may: where an agent acts for a person, both have to. */
export const bothMayConnect = (
  grants: readonly (AccessGrant | TimedAccess)[],
  { principal, person }: { principal: Member; person: Member | null },
  connection: string,
  now: Date,
): boolean => mayConnect(grants, principal, connection, now) && (person === null || mayConnect(grants, person, connection, now));

/** A token that was made for some connections opens no other. */
export const opens = (credential: Credential, connection: string): boolean =>
  credential.kind === 'jwt' || credential.connections === null || credential.connections.includes(connection);
