import { and, asc, count, desc, eq, inArray, isNull, or, type SQL, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { groups, identities, principalGroups, principals, tokens } from '../../db/schema/identity';
import type { ScimUser } from '../../db/schema/identityShapes';
import { localAccounts } from '../../db/schema/localAccounts';
import { passkeys } from '../../db/schema/passkeys';
import type { Store, StoreHandle, StoreTransaction } from '../../db/store';
import { movePolicyVersion, recordAction } from '../actions/record';
import type { Actor } from '../identity/actor';
import { nameSchema } from '../input';
import { demandAdministrator } from '../principals/administrators';
import { endSessionsOf } from '../sessions/end';
import { noSuch, ScimError } from './errors';
import type { Askable, Filter, ListQuery, Sort } from './query';
import { changed, type UserChange } from './userInput';

/** Where a group membership or a principal comes from that SCIM made. */
export const SCIM = 'scim';
export const USERS: Askable = {
  filters: ['userName', 'externalId', 'id', 'emails.value', 'displayName'],
  sorts: ['userName', 'displayName', 'emails.value', 'externalId', 'id', 'name.familyName', 'name.givenName', 'meta.created'],
};

export interface Directory {
  store: Store;
  actor: Actor;
}

/** Looks at what is about to be changed, and throws where the client must not. */
export type Demand<T> = (found: T) => void;

type Row = typeof principals.$inferSelect;

export interface User {
  row: Row;
  groups: { id: string; name: string }[];
}

/** People; agents and services are no directory's. Whom SCIM deleted is not there for it any more. */
const visible = and(eq(principals.kind, 'human'), sql`(${principals.scim} ->> 'deleted') is null`);

export async function listUsers({ store }: Directory, query: ListQuery): Promise<{ total: number; users: User[] }> {
  const where = query.filter === null ? visible : and(visible, matches(query.filter));
  const [{ total } = { total: 0 }] = await store.select({ total: count() }).from(principals).where(where);
  const rows = await store
    .select()
    .from(principals)
    .where(where)
    .orderBy(...ordered(query.sort))
    .offset(query.startIndex - 1)
    .limit(query.count);
  return { total, users: await withGroups(store, rows) };
}

/** Whoever has no such attribute is last, and first where it descends: as PostgreSQL has it of itself. */
function ordered(sort: Sort | null): SQL[] {
  if (sort === null) return [asc(principals.createdAt), asc(principals.id)];
  const by = sortedBy(sort.attribute);
  return [sort.descending ? desc(by) : asc(by), asc(principals.id)];
}

function sortedBy(attribute: string): SQL {
  switch (attribute) {
    case 'userName':
      return sql`lower(${principals.name})`;
    case 'emails.value':
      return sql`lower(${principals.email})`;
    case 'id':
      return sql`${principals.id}`;
    case 'meta.created':
      return sql`${principals.createdAt}`;
    default:
      return sql`lower(${principals.scim} #>> ${sql.param(attribute.split('.'))}::text[])`;
  }
}

function matches({ attribute, value }: Filter): SQL | undefined {
  switch (attribute) {
    case 'userName':
      return eq(sql`lower(${principals.name})`, value.toLowerCase());
    case 'emails.value':
      return eq(sql`lower(${principals.email})`, value.toLowerCase());
    case 'id':
      return eq(principals.id, value);
    default:
      return eq(sql`${principals.scim} ->> ${attribute === 'externalId' ? 'externalId' : 'displayName'}`, value);
  }
}

export async function getUser({ store }: { store: StoreHandle }, id: string): Promise<User> {
  const [row] = await store
    .select()
    .from(principals)
    .where(and(visible, eq(principals.id, id)));
  const [user] = row === undefined ? [] : await withGroups(store, [row]);
  if (user === undefined) throw noSuch('User', id);
  return user;
}

async function withGroups(store: StoreHandle, rows: Row[]): Promise<User[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const memberOf = await store
    .select({ principalId: principalGroups.principalId, id: groups.id, name: groups.name })
    .from(principalGroups)
    .innerJoin(groups, eq(groups.id, principalGroups.groupId))
    .where(and(inArray(principalGroups.principalId, ids), eq(principalGroups.source, SCIM)))
    .orderBy(asc(groups.name));
  return rows.map((row) => ({ row, groups: memberOf.filter(({ principalId }) => principalId === row.id) }));
}

/** Makes a person, or takes back one that SCIM had deleted. */
export async function createUser({ store, actor }: Directory, draft: UserChange & { userName: string }): Promise<User> {
  const name = nameSchema.safeParse(draft.userName);
  if (!name.success) throw new ScimError(400, `userName: ${name.error.issues[0]?.message ?? 'not a name'}`, 'invalidValue');
  return store.transaction(async (tx) => {
    // Names that differ in their case alone would be one person to a directory and two to the proxy.
    const [known] = await tx
      .select()
      .from(principals)
      .where(eq(sql`lower(${principals.name})`, name.data.toLowerCase()))
      .for('update');
    if (known !== undefined && known.scim?.deleted !== true) throw new ScimError(409, `userName ${name.data} is taken`, 'uniqueness');
    const scim = changed({ active: true }, draft);
    if (known !== undefined) {
      await writeUser(tx, actor, known, scim, draft);
      return getUser({ store: tx }, known.id);
    }
    const id = newId('prn');
    const email = draft.email ?? null;
    const made = await tx
      .insert(principals)
      .values({ id, name: name.data, kind: 'human', email, managedBy: SCIM, scim, disabledAt: scim.active ? null : new Date() })
      .onConflictDoNothing({ target: principals.name })
      .returning({ id: principals.id });
    if (made.length === 0) throw new ScimError(409, `userName ${name.data} is taken`, 'uniqueness');
    await recordAction(tx, actor, { action: 'principal.create', subject: name.data, after: { by: SCIM, email, active: scim.active } });
    return getUser({ store: tx }, id);
  });
}

/**
 * @param options.whole of a PUT: what is not said is taken away
 * @param options.demand throws where the client has seen another version
 */
export async function changeUser(
  { store, actor }: Directory,
  id: string,
  change: UserChange,
  { whole, demand }: { whole: boolean; demand: Demand<User> },
): Promise<User> {
  return store.transaction(async (tx) => {
    const { row } = await lockUser(tx, id, demand);
    if (change.userName !== undefined && change.userName.toLowerCase() !== row.name.toLowerCase())
      throw new ScimError(400, `userName: ${row.name} keeps its name, because the record speaks of it by name`, 'mutability');
    const active = row.disabledAt === null;
    await writeUser(tx, actor, row, changed(whole ? { active } : { ...row.scim, active }, change), change);
    return getUser({ store: tx }, id);
  });
}

/** Nobody else changes it until the transaction ends, so that what was demanded of it still holds. */
async function lockUser(tx: StoreTransaction, id: string, demand: Demand<User>): Promise<User> {
  await tx.select({ id: principals.id }).from(principals).where(eq(principals.id, id)).for('update');
  const user = await getUser({ store: tx }, id);
  demand(user);
  return user;
}

async function writeUser(tx: StoreTransaction, actor: Actor, row: Row, scim: ScimUser, change: UserChange): Promise<void> {
  // The document's word on whom it names stands; SCIM's says whether they are still here.
  const email = change.email === undefined || row.managedBy === null ? row.email : change.email;
  if (scim.active !== (row.disabledAt === null)) await setActive(tx, actor, row, scim.active);
  await tx.update(principals).set({ scim, email }).where(eq(principals.id, row.id));
  if (email !== row.email)
    await recordAction(tx, actor, {
      action: 'principal.update',
      subject: row.name,
      before: { email: row.email },
      after: { by: SCIM, email },
    });
}

/** A person who left is out at once: sign-ins, open sessions, and the console's cookies, also if they should come back. */
async function setActive(tx: StoreTransaction, actor: Actor, row: Row, active: boolean): Promise<void> {
  await movePolicyVersion(tx);
  const times = active ? { disabledAt: null } : { disabledAt: sql`now()`, signedOutAt: sql`now()` };
  await tx.update(principals).set(times).where(eq(principals.id, row.id));
  if (active) return recordAction(tx, actor, { action: 'principal.enable', subject: row.name, after: { by: SCIM } });
  await demandAdministrator(tx);
  const ended = await endSessionsOf(tx, row.id);
  await recordAction(tx, actor, { action: 'principal.disable', subject: row.name, after: { by: SCIM, sessionsEnded: ended } });
}

/**
 * Out for good, and the name free: whoever gets it next gets no token, no link to a provider's subject and no group of whoever had it. The
 * principal stays, for the record speaks of it.
 */
export async function deleteUser({ store, actor }: Directory, id: string, demand: Demand<User>): Promise<void> {
  await store.transaction(async (tx) => {
    const { row } = await lockUser(tx, id, demand);
    if (row.disabledAt === null) await setActive(tx, actor, row, false);
    else await movePolicyVersion(tx);
    await tx
      .update(tokens)
      .set({ revokedAt: sql`now()` })
      .where(and(eq(tokens.principalId, id), isNull(tokens.revokedAt)));
    await tx.delete(identities).where(eq(identities.principalId, id));
    await tx.delete(localAccounts).where(eq(localAccounts.principalId, id));
    await tx.delete(passkeys).where(eq(passkeys.principalId, id));
    await tx
      .delete(principalGroups)
      .where(
        and(eq(principalGroups.principalId, id), or(eq(principalGroups.source, SCIM), eq(principalGroups.source, row.managedBy ?? SCIM))),
      );
    await tx
      .update(principals)
      .set({ scim: { active: false, deleted: true } })
      .where(eq(principals.id, id));
    await recordAction(tx, actor, { action: 'principal.delete', subject: row.name, after: { by: SCIM } });
  });
}
