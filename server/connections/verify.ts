import { connectionEnforcement } from '../../db/schema/policy';
import { maskingDigest } from '../../proxy/hardening/enforcement';
import { roleExists } from '../../proxy/hardening/rights';
import { verifyRole } from '../../proxy/hardening/verify';
import { movePolicyVersion, recordAction } from '../actions/record';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { readCatalog } from './catalog';
import { targetOf, withControl } from './control';
import { connectionUnderPolicy } from './masks';
import { type Verification, verifySchema } from './shape';

/**
 * Proves what the upstream role of a connection's sessions cannot read, and lists what could cross. The answer is kept for the connection
 * and moves the policy version, so that every worker knows what sessions that open from now on are; with `role` it is about another role
 * and not kept.
 */
export async function verifyConnection(call: Call, input: unknown): Promise<Verification> {
  demand(call.actor, 'connections:harden');
  const { name, role } = parseInput(verifySchema, input);
  const { policy, connection, masksIn } = await connectionUnderPolicy(call, name);
  const { report, fingerprint, signedInAs } = await withControl(targetOf(connection, call.secretKey), async (client) => {
    if (role !== undefined && !(await roleExists(client, role)))
      throw new ServiceError('INVALID', `the role ${role} does not exist in ${connection.database}`);
    const catalog = await readCatalog(call.store, connection.id, client);
    const found = await verifyRole(client, catalog, masksIn, role ?? null);
    return { report: found, fingerprint: catalog.fingerprint, signedInAs: catalog.user.name };
  });
  const verifiedAt = new Date();
  const kept = role === undefined || role === signedInAs;
  if (!kept) return { connection: name, verifiedAt, policyVersion: policy.version, kept, ...report };
  const proof = {
    state: report.state,
    verifiedAt,
    verifiedBy: call.actor.name,
    // Digests and not versions decide whether it still holds: a rule that was changed meanwhile makes it outdated by itself.
    maskingDigest: maskingDigest(policy.masking, connection),
    catalogFingerprint: fingerprint,
    report,
  };
  const policyVersion = await call.store.transaction(async (tx) => {
    const version = await movePolicyVersion(tx);
    const row = { ...proof, policyVersion: version };
    await tx
      .insert(connectionEnforcement)
      .values({ connectionId: connection.id, ...row })
      .onConflictDoUpdate({ target: connectionEnforcement.connectionId, set: row });
    await recordAction(tx, call.actor, {
      action: 'connection.verify',
      subject: name,
      after: {
        state: report.state,
        role: report.role,
        maskedColumns: report.columns.length,
        reasons: report.reasons,
        crossings: report.crossings.map((crossing) => `${crossing.kind} ${crossing.object}`),
      },
    });
    return version;
  });
  return { connection: name, verifiedAt, policyVersion, kept, ...report };
}
