import { matchesSegment } from './glob';
import type { ConnectionPolicy, PolicySnapshot, Principal } from './types';

/**
 * Whether an enforced rule forbids or holds by table or column for this principal on this connection. Only then does it matter that code
 * behind a statement may reach tables nobody can name: without such a rule, a trigger that everybody lives with is no reason to refuse.
 */
export function hasTableRules(
  policy: Pick<PolicySnapshot, 'rules'>,
  connection: Pick<ConnectionPolicy, 'name'>,
  principal: Pick<Principal, 'groups'>,
): boolean {
  return policy.rules.some(
    (rule) =>
      rule.mode === 'enforce' &&
      rule.action !== 'allow' &&
      (rule.match.tables ?? rule.match.columns) !== undefined &&
      (rule.connections.length === 0 || rule.connections.some((name) => matchesSegment(name, connection.name))) &&
      (rule.groups.length === 0 || rule.groups.some((group) => group === '*' || principal.groups.includes(group))),
  );
}
