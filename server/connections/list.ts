import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { ConnectionRow } from './shape';

export async function listConnections(_call: Call): Promise<ConnectionRow[]> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
