import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { NewToken } from './shape';

export async function createToken(_call: Call, _input: unknown): Promise<NewToken> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
