import { z } from 'zod';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { RequestDetail } from './shape';

export const rejectSchema = z.object({ id: z.string(), reason: z.string().trim().min(1, 'say why: the client sees it').max(1_000) });

export async function rejectRequest(_call: Call, _input: unknown): Promise<RequestDetail> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
