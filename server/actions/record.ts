import { eq, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import type { Channel } from '../../db/listen';
import { actions } from '../../db/schema/audit';
import { policyState } from '../../db/schema/policy';
import type { StoreTransaction } from '../../db/store';
import type { Actor } from '../identity/actor';
import { ownGatewayId } from '../runtime';

export interface ActionEntry {
  /** noun.verb, e.g. `connection.update`. */
  action: string;
  /** What it was done to, by name or id. */
  subject: string;
  /** Never a secret: the caller passes what may be shown. */
  before?: unknown;
  after?: unknown;
}

/** Writes who did what, in the transaction that does it: neither exists without the other. */
export async function recordAction(tx: StoreTransaction, actor: Actor, entry: ActionEntry): Promise<void> {
  await tx.insert(actions).values({
    id: newId('act'),
    actorId: actor.id,
    actorName: actor.name,
    via: actor.via,
    action: entry.action,
    subject: entry.subject,
    before: entry.before ?? null,
    after: entry.after ?? null,
    gatewayId: ownGatewayId(),
  });
}

/**
 * Locks the policy against other writers and moves its version; call it first in every transaction that changes policy or principals.
 * Workers hear of it when the transaction commits, and never of one that did not.
 */
export async function movePolicyVersion(tx: StoreTransaction): Promise<number> {
  const version = await lockPolicy(tx);
  await tx
    .update(policyState)
    .set({ version: version + 1, updatedAt: sql`now()` })
    .where(eq(policyState.id, POLICY_ROW));
  await notify(tx, 'gatehouse_policy', String(version + 1));
  return version + 1;
}

/** Access was given for a time or taken back: workers read it anew, and what a policy version binds stays bound. */
export async function moveAccessVersion(tx: StoreTransaction): Promise<void> {
  await tx.update(policyState).set({ accessVersion: sql`access_version + 1` }).where(eq(policyState.id, POLICY_ROW));
  await notify(tx, 'gatehouse_policy', 'access');
}

/** Takes the policy's row lock until the transaction ends and returns the current version. */
export async function lockPolicy(tx: StoreTransaction): Promise<number> {
  await tx.insert(policyState).values({ id: POLICY_ROW, version: 0 }).onConflictDoNothing();
  const [row] = await tx.select({ version: policyState.version }).from(policyState).where(eq(policyState.id, POLICY_ROW)).for('update');
  if (row === undefined) throw new Error('policy_state has no row');
  return row.version;
}

const POLICY_ROW = 1;

export async function notify(tx: StoreTransaction, channel: Channel, payload: string): Promise<void> {
  await tx.execute(sql`select pg_notify(${channel}, ${payload})`);
}
