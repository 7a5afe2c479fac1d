import { statements } from '../../db/schema/audit';

/** The columns of a StatementRow. */
export const statementColumns = {
  id: statements.id,
  at: statements.at,
  principalName: statements.principalName,
  ownerName: statements.ownerName,
  connectionName: statements.connectionName,
  sessionId: statements.sessionId,
  kind: statements.kind,
  sql: statements.sql,
  verdict: statements.verdict,
  rule: statements.rule,
  status: statements.status,
  rows: statements.rows,
  maskedColumns: statements.maskedColumns,
  durationMs: statements.durationMs,
  sqlstate: statements.sqlstate,
  requestId: statements.requestId,
  grantId: statements.grantId,
  breakGlass: statements.breakGlass,
};
