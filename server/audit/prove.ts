import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import type { StatementProof } from './integrity';
import { ownStatement } from './own';

/** The inclusion proof of one statement against the newest checkpoint. @throws ServiceError UNAVAILABLE while no checkpoint covers it */
export async function proveStatement(call: Call, input: unknown): Promise<StatementProof> {
  demand(call.actor, 'audit:own');
  const { id } = parseInput(idSchema, input);
  await ownStatement(call, id);
  throw new ServiceError('UNAVAILABLE', 'no checkpoint covers this statement yet');
}
