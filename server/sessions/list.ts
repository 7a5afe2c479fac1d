import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { SessionRow } from './shape';

export async function listSessions(_call: Call, _input: unknown): Promise<{ items: SessionRow[]; nextCursor: string | null }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
