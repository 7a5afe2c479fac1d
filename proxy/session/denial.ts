import { adviceFor } from '../masking/advice';
import { maskedUseDenied, statementDenied, statementNotAnalyzed, type WireError } from '../wire/errors';
import type { Execution } from './execution';

/** The error for a text of which at least one statement is denied: the first of them speaks. */
export function judgedError(executions: readonly Execution[]): WireError {
  const denied = executions.find((execution) => execution.judged.verdict.action === 'deny') ?? executions[0];
  if (denied === undefined) return statementNotAnalyzed('The text holds no statement.');
  const { verdict, touch } = denied.judged;
  switch (verdict.decidedBy) {
    case 'masking':
      return maskedUseDenied(denied.id, verdict.why, touch.state === 'unresolved' ? adviceFor(touch.cause) : null);
    case 'analysis':
      return statementNotAnalyzed(verdict.why);
    case 'rule':
    case 'default':
    case 'opaque':
    case 'access':
    case 'grant':
    case 'breakGlass':
      return statementDenied({ statementId: denied.id, rule: verdict.rule, why: verdict.why });
    default:
      verdict.decidedBy satisfies never;
      return statementNotAnalyzed(verdict.why);
  }
}
