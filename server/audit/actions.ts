import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { ActionRow } from './shape';

export async function listActions(_call: Call, _input: unknown): Promise<{ items: ActionRow[]; nextCursor: string | null }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
