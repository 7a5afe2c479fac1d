import { and, asc, eq, isNull, notInArray, sql } from 'drizzle-orm';
import { actions } from '../../db/schema/audit';
import type { Store } from '../../db/store';
import { LeafGroup } from './group';
import type { ActionEntry } from './leaf';
import { type SealOptions, sealEntry } from './seal';
import type { Ledger } from './state';

/** So many become one group. */
const BATCH = 500;

export interface ActionsOptions {
  store: Store;
  ledger: Ledger;
  gatewayId: string;
  node: string;
  wordKey: Buffer;
  random: SealOptions['random'];
}

/**
 * Makes entries of what people, the CLI and the gateway itself did, each exactly once: the log says which it has, and the store is told
 * afterwards; after a crash between the two the log is believed.
 * @returns how many were taken @throws Error when the store does not answer
 */
export async function takeActions({ store, ledger, gatewayId, node, wordKey, random }: ActionsOptions): Promise<number> {
  await tellStore(store, ledger);
  // What no gateway wrote its name under (breaking glass, a first start) is taken by whoever comes first.
  await store.execute(sql`
    update actions set gateway_id = ${gatewayId} where id in (
      select id from actions where gateway_id is null and log_index is null order by id limit ${BATCH} for update skip locked)`);
  const taken = ledger.state.actions.map(([id]) => id);
  const rows = await store
    .select()
    .from(actions)
    .where(and(eq(actions.gatewayId, gatewayId), isNull(actions.logIndex), taken.length > 0 ? notInArray(actions.id, taken) : undefined))
    .orderBy(asc(actions.id))
    .limit(BATCH);
  if (rows.length === 0) return 0;
  const leaves = rows.map(({ id, at, actorId, actorName, via, action, subject, before, after }) => {
    const entry: ActionEntry = { type: 'action', id, atMs: at.getTime(), actorId, actorName, via, action, subject, before, after };
    return sealEntry(entry, { node, journal: null, valueKey: null, wordKey, random });
  });
  await ledger.append(LeafGroup.of(leaves), (state, first) => ({
    actions: [...state.actions, ...rows.map(({ id }, at) => [id, first + at] as const)],
  }));
  await tellStore(store, ledger);
  return rows.length;
}

/** Says in the store where in the log its actions are. */
async function tellStore(store: Store, ledger: Ledger): Promise<void> {
  const { actions: taken } = ledger.state;
  if (taken.length === 0) return;
  const places = JSON.stringify(taken.map(([id, index]) => ({ id, index })));
  await store.execute(sql`
    update actions a set log_index = t.index from jsonb_to_recordset(${places}::jsonb) as t(id text, index bigint) where a.id = t.id`);
  await ledger.note(() => ({ actions: [] }));
}
