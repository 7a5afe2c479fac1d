import type { EnforcementReport } from '../../db/schema/shapes';

/** What a verification found, before it is a verdict. */
export type Findings = Omit<EnforcementReport, 'state'>;

/**
 * database: every masked column is proved unreadable and nothing is known that could cross. except: unreadable, and something could cross.
 * gateway: the database does not enforce it; `reasons` say why.
 */
export function conclude(findings: Findings): EnforcementReport {
  const state = findings.reasons.length > 0 ? 'gateway' : findings.crossings.length > 0 ? 'except' : 'database';
  return { state, ...findings };
}
