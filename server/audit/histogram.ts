import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { Bucket } from './shape';

export async function statementHistogram(_call: Call, _input: unknown): Promise<Bucket[]> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
