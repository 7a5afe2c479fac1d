import { and, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { prepared } from '../../db/prepared';
import { groups, identities, identityProviders, principalGroups, principals } from '../../db/schema/identity';
import type { IdentityProvider, TokenIdentity } from '../../db/schema/identityShapes';
import { policyState } from '../../db/schema/policy';
import type { Store, StoreTransaction } from '../../db/store';
import { type Assertion, IdentityRefused } from './assertion';
import { type Mapped, mapAssertion } from './mapAssertion';
import { type KnownPrincipal, loadPrincipal } from './principal';

/** Somebody a provider vouches for, as this gateway knows them. */
export interface Resolved {
  /** Who asks: the person, or the agent that acts for them, whose owner is then that person. */
  principal: KnownPrincipal;
  /** The person an agent acts for. */
  person: KnownPrincipal | null;
  identity: TokenIdentity;
}

/**
 * Finds the principal a provider's word belongs to. The first sign-in links its subject to a principal of that name, or makes one where the
 * provider may; from then on the subject decides, whatever it is called. What the provider says of groups is stored as its word.
 *
 * @throws IdentityRefused with the reason, in words for the operator
 */
export async function resolveAssertion(
  store: Store,
  provider: IdentityProvider & { id: string },
  assertion: Assertion,
  now: Date,
): Promise<Resolved> {
  const mapped = mapAssertion(provider, assertion);
  const known = await findSubject(store, provider, assertion, mapped);
  const found = known ?? (await store.transaction((tx) => linkOrMake(tx, provider, assertion, mapped)));
  demandNotSignedOut(found, assertion);
  if (mapped.groups !== null && known?.sameGroups !== true) await keepGroups(store, found.id, provider.id, mapped.groups);
  if (known === undefined || known.seenBefore === null || now.getTime() - known.seenBefore.getTime() > SEEN_MS)
    await seen(store, provider.id, assertion.subject, now);
  const person = await enabled(store, found);
  const identity = identityOf(provider, assertion);
  if (mapped.agent === null) return { principal: person, person: null, identity };
  const agent = await agentNamed(store, mapped.agent, assertion);
  return {
    principal: { ...agent, owner: { id: person.id, name: person.name } },
    person,
    identity: { ...identity, personId: person.id },
  };
}

type Found = Pick<typeof principals.$inferSelect, 'id' | 'name' | 'signedOutAt'>;
const FOUND = { id: principals.id, name: principals.name, signedOutAt: principals.signedOutAt };

/** Somebody who has been here before: as a rule nothing has changed since, and one question says so. */
interface Known extends Found {
  sameGroups: boolean;
  seenBefore: Date | null;
}

const sameGroups = sql<boolean>`
  array(select g.id from ${groups} g
    where g.name in (select jsonb_array_elements_text(${sql.placeholder('groups')}::jsonb)) order by 1)
  = array(select m.group_id from ${principalGroups} m
    where m.principal_id = ${principals.id} and m.source = ${sql.placeholder('providerId')} order by 1)`;
const listedAs = prepared((store) =>
  store
    .select({ ...FOUND, sameGroups })
    .from(principals)
    .where(eq(principals.name, sql.placeholder('name')))
    .prepare('gatehouse_listed'),
);
const ofSubject = prepared((store) =>
  store
    .select({ ...FOUND, sameGroups, seenBefore: identities.lastSeenAt })
    .from(identities)
    .innerJoin(principals, eq(principals.id, identities.principalId))
    .where(and(eq(identities.providerId, sql.placeholder('providerId')), eq(identities.subject, sql.placeholder('subject'))))
    .prepare('gatehouse_subject'),
);

async function findSubject(store: Store, provider: { id: string }, { subject }: Assertion, mapped: Mapped): Promise<Known | undefined> {
  const asked = { providerId: provider.id, groups: JSON.stringify(mapped.groups ?? []) };
  if (mapped.listed) {
    const [row] = await listedAs(store).execute({ ...asked, name: mapped.name });
    if (row === undefined) throw new IdentityRefused(`nobody here is called ${mapped.name}`);
    // Nothing is linked, so there is nowhere to write that it was seen.
    return { ...row, seenBefore: new Date(8.64e15) };
  }
  const [row] = await ofSubject(store).execute({ ...asked, subject });
  return row;
}

async function linkOrMake(
  tx: StoreTransaction,
  provider: IdentityProvider & { id: string },
  { subject }: Assertion,
  mapped: Mapped,
): Promise<Found> {
  const { create } = provider.principal;
  if (create !== undefined)
    await tx
      .insert(principals)
      .values({ id: newId('prn'), name: mapped.name, kind: create, email: mapped.email, managedBy: provider.id })
      .onConflictDoNothing({ target: principals.name });
  // Locked: of two subjects that come at once, the second finds the first.
  const [row] = await tx.select().from(principals).where(eq(principals.name, mapped.name)).for('update');
  if (row === undefined) throw new IdentityRefused(`nobody here is called ${mapped.name}`);
  const linked = await tx
    .select({ subject: identities.subject })
    .from(identities)
    .where(and(eq(identities.providerId, provider.id), eq(identities.principalId, row.id)));
  const isGone = row.managedBy !== null && row.managedBy !== 'scim' && !(await isProvider(tx, row.managedBy));
  const refusal = whyNotLinked(
    provider,
    // One that left the policy speaks for nobody: whoever it made is found again by the one that came after it.
    isGone ? { ...row, managedBy: null } : row,
    mapped,
    linked.map((each) => each.subject),
    subject,
  );
  if (refusal !== null) throw new IdentityRefused(refusal);
  await tx
    .insert(identities)
    .values({ id: newId('idn'), providerId: provider.id, subject, principalId: row.id })
    .onConflictDoNothing({ target: [identities.providerId, identities.subject] });
  if (isGone) await tx.update(principals).set({ managedBy: provider.id }).where(eq(principals.id, row.id));
  return row;
}

async function isProvider(tx: StoreTransaction, id: string): Promise<boolean> {
  const rows = await tx.select({ id: identityProviders.id }).from(identityProviders).where(eq(identityProviders.id, id));
  return rows.length > 0;
}

/**
 * Why a subject is not the principal it says it is, at its first sign-in; null when it is. A name is something its bearer may often choose,
 * so it opens nothing that the provider does not speak for. Pure.
 */
export function whyNotLinked(
  provider: Pick<IdentityProvider, 'principal'> & { id: string },
  row: Pick<typeof principals.$inferSelect, 'name' | 'kind' | 'role' | 'email' | 'managedBy'>,
  mapped: Pick<Mapped, 'email'>,
  subjects: readonly string[],
  subject: string,
): string | null {
  if (subjects.length > 0)
    return subjects.includes(subject)
      ? null
      : `${row.name} is another subject of the provider: unlink that one first where it is the same person`;
  if (row.kind !== (provider.principal.create ?? 'human'))
    return `${row.name} is a principal of another kind: only principal.names lets it in`;
  if (row.managedBy !== null && row.managedBy !== provider.id && row.managedBy !== 'scim') return `another provider speaks for ${row.name}`;
  const sameMail = row.email !== null && mapped.email !== null && row.email.toLowerCase() === mapped.email.toLowerCase();
  if (row.role !== 'member' && !sameMail)
    return `${row.name} has role ${row.role}: the policy has to give it the mail address that the provider says, or principal.names`;
  return null;
}

async function enabled(store: Store, { id, name }: { id: string; name: string }): Promise<KnownPrincipal> {
  const principal = await loadPrincipal(store, id);
  if (principal === null) throw new IdentityRefused(`${name} is disabled`);
  return principal;
}

async function agentNamed(store: Store, name: string, assertion: Assertion): Promise<KnownPrincipal> {
  const [row] = await store
    .select({ ...FOUND, kind: principals.kind })
    .from(principals)
    .where(eq(principals.name, name));
  if (row === undefined || row.kind === 'human') throw new IdentityRefused(`${name} is not an agent here`);
  demandNotSignedOut(row, assertion);
  return enabled(store, row);
}

function demandNotSignedOut({ name, signedOutAt }: Found, { issuedAt }: Assertion): void {
  if (signedOutAt !== null && (issuedAt === null || issuedAt <= signedOutAt))
    throw new IdentityRefused(`${name} has been signed out everywhere since this identity was issued`);
}

/** Makes the provider's word on groups what it is now. Open sessions hear of a change as they hear of any other. */
async function keepGroups(store: Store, principalId: string, source: string, names: readonly string[]): Promise<void> {
  const memberOf = and(eq(principalGroups.principalId, principalId), eq(principalGroups.source, source));
  const wanted =
    names.length === 0
      ? []
      : await store
          .select({ id: groups.id })
          .from(groups)
          .where(inArray(groups.name, [...names]));
  const stored = await store.select({ id: principalGroups.groupId }).from(principalGroups).where(memberOf);
  const same = wanted.length === stored.length && wanted.every(({ id }) => stored.some((row) => row.id === id));
  if (same) return;
  await store.transaction(async (tx) => {
    await tx.delete(principalGroups).where(memberOf);
    if (wanted.length > 0)
      await tx
        .insert(principalGroups)
        .values(wanted.map(({ id }) => ({ principalId, groupId: id, source })))
        .onConflictDoNothing();
    await tx.update(policyState).set({ accessVersion: sql`access_version + 1` });
    await tx.execute(sql`select pg_notify('gatehouse_policy', 'groups')`);
  });
}

const SEEN_MS = 60_000;

/** Once a minute is precise enough, and spares a write at every sign-in of a busy program. */
async function seen(store: Store, providerId: string, subject: string, now: Date): Promise<void> {
  await store
    .update(identities)
    .set({ lastSeenAt: now })
    .where(
      and(
        eq(identities.providerId, providerId),
        eq(identities.subject, subject),
        or(isNull(identities.lastSeenAt), lt(identities.lastSeenAt, new Date(now.getTime() - SEEN_MS))),
      ),
    );
}

const identityOf = (provider: { id: string; name: string }, assertion: Assertion): TokenIdentity => ({
  providerId: provider.id,
  provider: provider.name,
  issuer: assertion.issuer,
  subject: assertion.subject,
  actors: [...assertion.actors],
  client: assertion.client,
  tokenId: assertion.tokenId,
  issuedAt: assertion.issuedAt?.toISOString() ?? null,
  personId: null,
});
