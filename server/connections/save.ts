import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';

export async function saveConnection(_call: Call, _input: unknown): Promise<{ id: string }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
