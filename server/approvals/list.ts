import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { RequestRow } from './shape';

export async function listRequests(_call: Call, _input: unknown): Promise<{ items: RequestRow[]; nextCursor: string | null }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
