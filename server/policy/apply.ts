import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { ApplyResult } from './shape';

export async function applyDocument(_call: Call, _input: unknown): Promise<ApplyResult> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
