import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { Overview } from './shape';

export async function getOverview(_call: Call): Promise<Overview> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
