import type { Enforcement } from '../../db/schema/shapes';
import type { CatalogSnapshot } from '../catalog/types';
import { matchesSegment } from '../policy/glob';
import type { ConnectionPolicy, MaskingRule } from '../policy/types';
import { sha256 } from './maskingViews';

type Where = Pick<ConnectionPolicy, 'name' | 'host' | 'port' | 'database' | 'username'>;

/**
 * Stands for what a verification depends on in the policy: the enforced column rules of a connection, and where and as whom it signs in.
 * Other rules, principals and tokens change it no more than the policy's version would have to. Exempt groups are left out: an upstream
 * role is the same for everyone.
 */
export function maskingDigest(masking: readonly MaskingRule[], connection: Where): string {
  const rules = masking
    .filter((rule) => rule.mode === 'enforce' && rule.columns.length > 0)
    .filter((rule) => rule.connections.length === 0 || rule.connections.some((name) => matchesSegment(name, connection.name)))
    .map((rule) => [rule.columns, Object.entries(rule.mask).sort(([a], [b]) => (a < b ? -1 : 1))]);
  const { name, host, port, database, username } = connection;
  return sha256(JSON.stringify([name, host, port, database, username, rules]));
}

/** Whether what was proved of a connection's role still is: the same masks, upstream, role and catalog. */
export type Standing = 'never' | 'current' | 'outdated';

/** @param fingerprint the catalog's now; null when it is not known, which does not make a proof outdated by itself */
export function standingOf(
  connection: Where & Pick<ConnectionPolicy, 'enforcement'>,
  masking: readonly MaskingRule[],
  fingerprint: string | null,
): Standing {
  const proof = connection.enforcement ?? null;
  if (proof === null) return 'never';
  if (proof.maskingDigest !== maskingDigest(masking, connection)) return 'outdated';
  return fingerprint === null || fingerprint === proof.catalogFingerprint ? 'current' : 'outdated';
}

/**
 * Who keeps masked columns from a session that opens now. `database` only when it is proved, for this very catalog and policy, that the role
 * cannot read them and nothing is known that could for it.
 */
export function enforcementAtOpen(
  connection: ConnectionPolicy,
  masking: readonly MaskingRule[],
  catalog: Pick<CatalogSnapshot, 'fingerprint' | 'user'>,
): Enforcement {
  if (connection.enforcement?.state !== 'database' || catalog.user.superuser || catalog.user.bypassRls) return 'gateway';
  return standingOf(connection, masking, catalog.fingerprint) === 'current' ? 'database' : 'gateway';
}
