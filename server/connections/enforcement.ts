import { eq } from 'drizzle-orm';
import { connectionEnforcement } from '../../db/schema/policy';
import { catalogFingerprint } from '../../proxy/catalog/load';
import { standingOf } from '../../proxy/hardening/enforcement';
import { loadPolicy } from '../../proxy/policy/snapshot';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { targetOf, withControl } from './control';
import type { ConnectionProof } from './shape';

/**
 * What was last proved of one connection, compared with the upstream's catalog as it is now. An upstream that cannot be reached is
 * said to be so: what was proved stays what it was.
 */
export async function getEnforcement({ store, actor, secretKey }: Call, input: unknown): Promise<ConnectionProof> {
  demand(actor, 'connections:enforcement');
  const { id } = parseInput(idSchema, input);
  const policy = await loadPolicy(store);
  const connection = [...policy.connections.values()].find((row) => row.id === id);
  if (connection === undefined) throw notFound('connection', id);
  const [row] = await store.select().from(connectionEnforcement).where(eq(connectionEnforcement.connectionId, id));
  if (row === undefined) return { standing: 'never', upstreamReached: null, proof: null };
  const fingerprint = await withControl(targetOf(connection, secretKey), catalogFingerprint).catch(() => null);
  const { verifiedAt, verifiedBy, policyVersion, report } = row;
  return {
    standing: standingOf(connection, policy.masking, fingerprint),
    upstreamReached: fingerprint !== null,
    proof: { ...report, verifiedAt, verifiedBy, policyVersion },
  };
}
