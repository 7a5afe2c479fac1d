import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { RequestDetail } from './shape';

export async function getRequest(_call: Call, _input: unknown): Promise<RequestDetail> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
