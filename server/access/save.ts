import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { AccessRow } from './shape';

export async function saveAccess(_call: Call, _input: unknown): Promise<AccessRow[]> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
