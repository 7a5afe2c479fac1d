import { matchesSegment } from './glob';
import type { ConnectionPolicy, PolicySnapshot, Principal } from './types';

/**
 * Whether a policy restricts nothing for this principal on this connection: everything is allowed by default, opaque statements too, and no
 * rule or masking rule speaks of them. Then a session is as free as one with the server itself. What decides how statements are read
 * (client_encoding, standard_conforming_strings) stays pinned even so: the record must say what ran.
 */
export function isUnrestricted(
  policy: Pick<PolicySnapshot, 'rules' | 'masking'>,
  connection: Pick<ConnectionPolicy, 'name' | 'default' | 'opaque'>,
  principal: Pick<Principal, 'groups'>,
): boolean {
  if (connection.default !== 'allow' || connection.opaque !== 'allow') return false;
  const here = (names: readonly string[]) => names.length === 0 || names.some((name) => matchesSegment(name, connection.name));
  const mine = (groups: readonly string[]) =>
    groups.length === 0 || groups.some((group) => group === '*' || principal.groups.includes(group));
  const ruled = policy.rules.some((rule) => rule.mode !== 'off' && here(rule.connections) && mine(rule.groups));
  const masked = policy.masking.some(
    (rule) => rule.mode !== 'off' && here(rule.connections) && !rule.exceptGroups.some((group) => principal.groups.includes(group)),
  );
  return !ruled && !masked;
}
