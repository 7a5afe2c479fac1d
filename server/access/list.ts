import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { AccessRow } from './shape';

export async function listAccess(_call: Call): Promise<AccessRow[]> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
