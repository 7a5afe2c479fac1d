import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { RuleRow } from './shape';

export async function listRules(_call: Call): Promise<RuleRow[]> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
