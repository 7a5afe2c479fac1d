import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';

export async function disablePrincipal(_call: Call, _input: unknown): Promise<{ id: string }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}

export async function enablePrincipal(_call: Call, _input: unknown): Promise<{ id: string }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
