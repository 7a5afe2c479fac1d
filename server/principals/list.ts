import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { PrincipalRow } from './shape';

export async function listPrincipals(_call: Call): Promise<PrincipalRow[]> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
