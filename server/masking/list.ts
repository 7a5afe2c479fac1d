import { asc } from 'drizzle-orm';
import { maskingRules } from '../../db/schema/policy';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import type { MaskingRow } from './shape';

export async function listMasking({ store, actor }: Call): Promise<MaskingRow[]> {
  demand(actor, 'masking:read');
  return store.select().from(maskingRules).orderBy(asc(maskingRules.position), asc(maskingRules.id));
}
