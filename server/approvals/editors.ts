import { and, desc, eq, gte, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import { policyEdits } from '../../db/schema/approvals';
import type { RuleTrial } from '../../db/schema/shapes';
import type { StoreHandle } from '../../db/store';
import { holdingRules } from '../../proxy/approvals/together';

export interface HeldBy {
  /** The rule's name, or which part of the connection held it. */
  rule: string;
  /** All that was tried on its statements: every rule that holds one counts, not only the one that speaks. */
  tried: readonly RuleTrial[];
  connectionName: string;
  createdAt: Date;
}

export interface Editor {
  id: string;
  name: string;
  /** What they changed, in words. */
  what: string;
}

/** Who made the rules as they held a request, who made them as they stand, and whoever has changed one since the request was filed. */
export async function readEditors(store: StoreHandle, { rule, tried, connectionName, createdAt }: HeldBy): Promise<Editor[]> {
  const of = (kind: 'rule' | 'connection', name: string): SQL | undefined => and(eq(policyEdits.kind, kind), eq(policyEdits.name, name));
  const held = new Set([rule, ...holdingRules(tried)]);
  const subjects = [...[...held].map((name) => of('rule', name)), ...(FROM_CONNECTION.has(rule) ? [of('connection', connectionName)] : [])];
  const filedAt = sql`${createdAt.toISOString()}::timestamptz`;
  const latest = (before?: SQL) =>
    store
      .selectDistinctOn([policyEdits.kind, policyEdits.name], { id: policyEdits.id })
      .from(policyEdits)
      .where(and(or(...subjects), before))
      .orderBy(policyEdits.kind, policyEdits.name, desc(policyEdits.at), desc(policyEdits.id));
  const counts = or(
    inArray(policyEdits.id, latest()),
    inArray(policyEdits.id, latest(lt(policyEdits.at, filedAt))),
    gte(policyEdits.at, filedAt),
  );
  const rows = await store
    .select()
    .from(policyEdits)
    .where(and(or(...subjects), counts))
    .orderBy(desc(policyEdits.at));
  return rows.map(({ editorId, editorName, kind, name }) => ({ id: editorId, name: editorName, what: `${kind} ${name}` }));
}

/** What a request says held it where no rule did. */
const FROM_CONNECTION: ReadonlySet<string> = new Set(['default', 'opaque']);
