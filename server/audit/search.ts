import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { countStatements } from './count';
import type { Range } from './hours';
import { cursorOf, readKeys, waysOf } from './keys';
import { parseAuditQuery } from './query';
import { resolveTerms } from './resolve';
import { readRows } from './rows';
import { type AuditPage, auditSearchSchema } from './shape';
import { createValueReader } from './values';
import { withinValues } from './withinValues';

/**
 * Searches the record, newest first unless told otherwise, by keyset. Words that are not understood come back as diagnostics beside what
 * the others found.
 */
export async function searchStatements(call: Call, input: unknown): Promise<AuditPage> {
  demand(call.actor, 'audit:own');
  const { store } = call;
  const { q, from, to, sort, limit, cursor, counted } = parseInput(auditSearchSchema, input ?? {});
  const { terms, diagnostics } = parseAuditQuery(q);
  const range: Range = { from: from ?? null, to: to ?? null };
  const resolved = await resolveTerms(call, terms);
  if (resolved.nothing) return { items: [], nextCursor: null, count: { value: 0, capped: false }, diagnostics };
  const values = createValueReader(call);
  const found = await withinValues(store, values, resolved, range);
  const ways = waysOf(resolved, found);
  const keys = await readKeys(store, ways, { range, sort, cursor, limit: limit + 1 });
  const items = await readRows(store, values, keys.slice(0, limit));
  const last = keys.length > limit ? keys[limit - 1] : undefined;
  return {
    items,
    nextCursor: last === undefined ? null : cursorOf(sort, last),
    count: counted ? await countStatements(store, ways, range, keys.length) : { value: 0, capped: false },
    diagnostics,
  };
}
