import { eq, inArray } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { groups, principals } from '../../db/schema/identity';
import type { StoreTransaction } from '../../db/store';
import { loadPrincipal } from '../../proxy/identity/principal';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { uniquely } from '../policy/names';
import { demandAdministrator } from './administrators';
import { setMembership } from './membership';
import { principalDraftSchema } from './shape';

/** Creates a principal or changes the one whose id is given; groups that do not exist yet are made. */
export async function savePrincipal({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'principals:write');
  const { id: existing, owner, groups: memberOf, limits, ...draft } = parseInput(principalDraftSchema, input);
  return uniquely('principal', draft.name, () =>
    store.transaction(async (tx) => {
      await movePolicyVersion(tx);
      await demandOwnSlackUser(tx, draft.slackUserId ?? null, existing);
      const ownerId = await ownerOf(tx, draft.kind, owner ?? null);
      const row = {
        ...draft,
        ...(limits === undefined ? {} : { limits }),
        email: draft.email ?? null,
        slackUserId: draft.slackUserId ?? null,
        ownerId,
      };
      const id = existing ?? newId('prn');
      const before = existing === undefined ? null : await loadPrincipal(tx, existing);
      if (existing === undefined) await tx.insert(principals).values({ id, ...row });
      else {
        const [stored] = await tx.select({ name: principals.name }).from(principals).where(eq(principals.id, existing));
        if (stored === undefined) throw notFound('principal', existing);
        if (stored.name !== draft.name)
          throw new ServiceError('INVALID', `name: ${stored.name} keeps its name, because the record speaks of it by name`);
        await tx.update(principals).set(row).where(eq(principals.id, existing));
      }
      if (memberOf.length > 0) await makeGroups(tx, memberOf);
      await setMembership(tx, id, memberOf);
      await demandAdministrator(tx);
      await recordAction(tx, actor, {
        action: existing === undefined ? 'principal.create' : 'principal.update',
        subject: draft.name,
        before,
        after: { ...draft, ...(limits === undefined ? {} : { limits }), owner: owner ?? null, groups: memberOf },
      });
      return { id };
    }),
  );
}

/** Two principals with one Slack user would leave open who decided. */
async function demandOwnSlackUser(tx: StoreTransaction, slackUserId: string | null, id: string | undefined): Promise<void> {
  if (slackUserId === null) return;
  const [row] = await tx
    .select({ id: principals.id, name: principals.name })
    .from(principals)
    .where(eq(principals.slackUserId, slackUserId));
  if (row !== undefined && row.id !== id) throw new ServiceError('INVALID', `slackUserId: ${row.name} has this Slack member ID`);
}

async function ownerOf(tx: StoreTransaction, kind: string, owner: string | null): Promise<string | null> {
  if (owner === null || owner === '') return null;
  if (kind === 'human') throw new ServiceError('INVALID', 'owner: a person has no owner');
  const [row] = await tx.select({ id: principals.id, kind: principals.kind }).from(principals).where(eq(principals.name, owner));
  if (row === undefined) throw new ServiceError('INVALID', `owner: unknown principal ${owner}`);
  if (row.kind !== 'human') throw new ServiceError('INVALID', `owner: ${owner} is not a person: an owner answers for an agent`);
  return row.id;
}

async function makeGroups(tx: StoreTransaction, names: readonly string[]): Promise<void> {
  const known = new Set(
    (
      await tx
        .select({ name: groups.name })
        .from(groups)
        .where(inArray(groups.name, [...names]))
    ).map((row) => row.name),
  );
  const missing = [...new Set(names)].filter((name) => !known.has(name));
  if (missing.length > 0) await tx.insert(groups).values(missing.map((name) => ({ id: newId('grp'), name })));
}
