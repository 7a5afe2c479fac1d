import { asc } from 'drizzle-orm';
import { rules } from '../../db/schema/policy';
import type { StoreHandle } from '../../db/store';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import type { RuleRow } from './shape';

/** Every rule in the order it is shown; order decides nothing, because the strictest match wins. */
export async function listRules({ store, actor }: Call): Promise<RuleRow[]> {
  demand(actor, 'rules:read');
  return readRules(store);
}

export async function readRules(store: StoreHandle): Promise<RuleRow[]> {
  const rows = await store.select().from(rules).orderBy(asc(rules.position), asc(rules.id));
  return rows.map((row) => ({ ...row, approval: row.approval ?? null }));
}
