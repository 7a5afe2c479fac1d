import { and, desc, gte, sql } from 'drizzle-orm';
import { statements } from '../../db/schema/audit';
import { coarseOfStatements } from '../audit/hours';
import { resolveTerms } from '../audit/resolve';
import { readRows } from '../audit/rows';
import type { StatementRow } from '../audit/shape';
import { createValueReader } from '../audit/values';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';

const SHOWN = 20;

/** Statements of the last seven days that ran without the approval they needed, newest first. */
export async function breakGlassUses(call: Call): Promise<StatementRow[]> {
  demand(call.actor, 'audit:own');
  const keys = await call.store
    .select({ id: statements.id, at: statements.at })
    .from(statements)
    .where(
      and(
        coarseOfStatements(await resolveTerms(call, [])),
        sql`${statements.brokeGlass}`,
        gte(statements.at, sql`now() - interval '7 days'`),
      ),
    )
    .orderBy(desc(statements.at))
    .limit(SHOWN);
  return readRows(call.store, createValueReader(call), keys);
}
