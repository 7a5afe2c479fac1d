import { and, desc, gte, isNotNull, sql } from 'drizzle-orm';
import { statements } from '../../db/schema/audit';
import { statementColumns } from '../audit/columns';
import type { StatementRow } from '../audit/shape';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { ownStatements } from '../identity/scope';

const SHOWN = 20;

/** Statements of the last seven days that ran without the approval they needed, newest first. */
export async function breakGlassUses({ store, actor }: Call): Promise<StatementRow[]> {
  demand(actor, 'audit:own');
  return store
    .select(statementColumns)
    .from(statements)
    .where(and(ownStatements(actor), isNotNull(statements.breakGlass), gte(statements.at, sql`now() - interval '7 days'`)))
    .orderBy(desc(statements.at))
    .limit(SHOWN);
}
