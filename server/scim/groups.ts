import { and, asc, count, desc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { groups, principalGroups, principals } from '../../db/schema/identity';
import type { ScimGroup } from '../../db/schema/identityShapes';
import type { StoreHandle, StoreTransaction } from '../../db/store';
import { moveAccessVersion, recordAction } from '../actions/record';
import type { Actor } from '../identity/actor';
import { noSuch, ScimError } from './errors';
import { type GroupDraft, type GroupStep, groupName } from './groupInput';
import type { Askable, Filter, ListQuery, Sort } from './query';
import { type Demand, type Directory, SCIM } from './users';

export const GROUPS: Askable = {
  filters: ['displayName', 'externalId', 'id', 'members.value'],
  sorts: ['displayName', 'externalId', 'id'],
};

type Row = typeof groups.$inferSelect;

export interface Group {
  row: Row;
  members: { id: string; name: string }[];
}

const visible = sql`(${groups.scim} ->> 'deleted') is null`;

/** Every group: a directory fills those that the policy speaks of. Of members it is told those that it gave. */
export async function listGroupsForScim({ store }: Directory, query: ListQuery): Promise<{ total: number; groups: Group[] }> {
  const where = query.filter === null ? visible : and(visible, matches(query.filter));
  const [{ total } = { total: 0 }] = await store.select({ total: count() }).from(groups).where(where);
  const rows = await store
    .select()
    .from(groups)
    .where(where)
    .orderBy(...ordered(query.sort))
    .offset(query.startIndex - 1)
    .limit(query.count);
  return { total, groups: await withMembers(store, rows, query.withoutMembers) };
}

function ordered(sort: Sort | null): SQL[] {
  if (sort === null) return [asc(groups.name)];
  const by = sortedBy(sort.attribute);
  return [sort.descending ? desc(by) : asc(by), asc(groups.id)];
}

function sortedBy(attribute: string): SQL {
  switch (attribute) {
    case 'displayName':
      return sql`lower(coalesce(${groups.scim} ->> 'displayName', ${groups.name}))`;
    case 'externalId':
      return sql`lower(${groups.scim} ->> 'externalId')`;
    default:
      return sql`${groups.id}`;
  }
}

function matches({ attribute, value }: Filter): SQL | undefined {
  switch (attribute) {
    case 'displayName':
      return eq(sql`lower(coalesce(${groups.scim} ->> 'displayName', ${groups.name}))`, value.toLowerCase());
    case 'externalId':
      return eq(sql`${groups.scim} ->> 'externalId'`, value);
    case 'members.value':
      return sql`exists (select from principal_groups m where m.group_id = ${groups.id} and m.principal_id = ${value} and m.source = ${SCIM})`;
    default:
      return eq(groups.id, value);
  }
}

export async function getGroup({ store }: { store: StoreHandle }, id: string, withoutMembers = false): Promise<Group> {
  const [group] = await withMembers(
    store,
    await store
      .select()
      .from(groups)
      .where(and(visible, eq(groups.id, id))),
    withoutMembers,
  );
  if (group === undefined) throw noSuch('Group', id);
  return group;
}

async function withMembers(store: StoreHandle, rows: Row[], withoutMembers: boolean): Promise<Group[]> {
  const ids = rows.map(({ id }) => id);
  const members =
    withoutMembers || ids.length === 0
      ? []
      : await store
          .select({ groupId: principalGroups.groupId, id: principals.id, name: principals.name })
          .from(principalGroups)
          .innerJoin(principals, eq(principals.id, principalGroups.principalId))
          .where(and(inArray(principalGroups.groupId, ids), eq(principalGroups.source, SCIM)))
          .orderBy(asc(principals.name));
  return rows.map((row) => ({ row, members: members.filter(({ groupId }) => groupId === row.id) }));
}

/** Makes a group, or keeps the members from now on of one that the policy names and SCIM has not. */
export async function createGroup({ store, actor }: Directory, { members, ...draft }: GroupDraft): Promise<Group> {
  const name = groupName(draft.displayName);
  return store.transaction(async (tx) => {
    const [made] = await tx
      .insert(groups)
      .values({ id: newId('grp'), name, scim: draft })
      .onConflictDoNothing()
      .returning();
    const row = made ?? (await lockGroup(tx, eq(groups.name, name)));
    if (row === undefined || (made === undefined && row.scim !== null && row.scim.deleted !== true))
      throw new ScimError(409, `displayName ${draft.displayName} is taken`, 'uniqueness');
    await tx.update(groups).set({ scim: draft }).where(eq(groups.id, row.id));
    if (made !== undefined) await recordAction(tx, actor, { action: 'group.create', subject: name, after: { by: SCIM } });
    await setMembers(tx, actor, row, members);
    return getGroup({ store: tx }, row.id);
  });
}

/** What a PUT asks for. Pure. */
export const replacing = (draft: GroupDraft): GroupStep[] => [
  { step: 'rename', displayName: draft.displayName },
  { step: 'externalId', externalId: draft.externalId ?? null },
  { step: 'set', members: draft.members },
];

/** A name that rules speak of stays; what the directory calls the group follows. */
export async function changeGroup(
  { store, actor }: Directory,
  id: string,
  steps: readonly GroupStep[],
  demand: Demand<Group>,
): Promise<Group> {
  return store.transaction(async (tx) => {
    const { row, members: before } = await demanded(tx, id, demand);
    const after = new Set(before.map((member) => member.id));
    const scim: ScimGroup = { ...(row.scim ?? { displayName: row.name }) };
    for (const each of steps) {
      switch (each.step) {
        case 'set':
          after.clear();
          for (const member of each.members) after.add(member);
          break;
        case 'add':
          for (const member of each.members) after.add(member);
          break;
        case 'remove':
          if (each.members === 'all') after.clear();
          else for (const member of each.members) after.delete(member);
          break;
        case 'rename':
          scim.displayName = each.displayName;
          break;
        case 'externalId':
          if (each.externalId === null) delete scim.externalId;
          else scim.externalId = each.externalId;
          break;
        default:
          each satisfies never;
      }
    }
    await tx.update(groups).set({ scim }).where(eq(groups.id, id));
    await setMembers(tx, actor, row, [...after]);
    return getGroup({ store: tx }, id);
  });
}

/** The members that SCIM gave go, and it sees the group no more. Whether there is one is the policy document's to say from now on. */
export async function deleteGroup({ store, actor }: Directory, id: string, demand: Demand<Group>): Promise<void> {
  await store.transaction(async (tx) => {
    const { row } = await demanded(tx, id, demand);
    await setMembers(tx, actor, row, []);
    await tx
      .update(groups)
      .set({ scim: { displayName: row.name, deleted: true } })
      .where(eq(groups.id, id));
    await recordAction(tx, actor, { action: 'group.release', subject: row.name, after: { by: SCIM } });
  });
}

async function demanded(tx: StoreTransaction, id: string, demand: Demand<Group>): Promise<Group> {
  if ((await lockGroup(tx, and(visible, eq(groups.id, id)))) === undefined) throw noSuch('Group', id);
  const group = await getGroup({ store: tx }, id);
  demand(group);
  return group;
}

async function lockGroup(tx: StoreTransaction, where: SQL | undefined): Promise<Row | undefined> {
  const [row] = await tx.select().from(groups).where(where).for('update');
  return row;
}

async function setMembers(tx: StoreTransaction, actor: Actor, { id, name }: Row, wanted: readonly string[]): Promise<void> {
  const ofScim = and(eq(principalGroups.groupId, id), eq(principalGroups.source, SCIM));
  const before = new Set((await tx.select({ id: principalGroups.principalId }).from(principalGroups).where(ofScim)).map((row) => row.id));
  const after = new Set(wanted);
  const added = [...after].filter((each) => !before.has(each));
  const removed = [...before].filter((each) => !after.has(each));
  if (added.length === 0 && removed.length === 0) return;
  // People alone, as SCIM sees them.
  const people =
    added.length === 0
      ? []
      : await tx
          .select({ id: principals.id, name: principals.name })
          .from(principals)
          .where(and(inArray(principals.id, added), eq(principals.kind, 'human'), sql`(${principals.scim} ->> 'deleted') is null`));
  if (people.length < added.length) throw new ScimError(400, 'members: not every value is the id of a User', 'invalidValue');
  await moveAccessVersion(tx);
  if (removed.length > 0) await tx.delete(principalGroups).where(and(ofScim, inArray(principalGroups.principalId, removed)));
  if (people.length > 0)
    await tx.insert(principalGroups).values(people.map((person) => ({ principalId: person.id, groupId: id, source: SCIM })));
  const left =
    removed.length === 0 ? [] : await tx.select({ name: principals.name }).from(principals).where(inArray(principals.id, removed));
  await recordAction(tx, actor, {
    action: 'group.members',
    subject: name,
    after: { by: SCIM, added: people.map((person) => person.name).sort(), removed: left.map((person) => person.name).sort() },
  });
}
