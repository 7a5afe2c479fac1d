import { matchesSegment } from '../policy/glob';
import type { ConnectionPolicy, MaskingRule, Principal } from '../policy/types';

/** Whom a masking rule is asked about. */
export interface MaskingScope {
  masking: readonly MaskingRule[];
  connection: Pick<ConnectionPolicy, 'name'>;
  principal: Pick<Principal, 'groups'>;
}

/** Whether a rule that is not off speaks of this principal on this connection. */
export function appliesTo(rule: MaskingRule, { connection, principal }: Omit<MaskingScope, 'masking'>): boolean {
  if (rule.mode === 'off') return false;
  if (rule.connections.length > 0 && !rule.connections.some((name) => matchesSegment(name, connection.name))) return false;
  return !rule.exceptGroups.some((group) => principal.groups.includes(group));
}
