import { z } from 'zod';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { RequestDetail } from './shape';

export const approveSchema = z.object({ id: z.string(), reason: z.string().max(1_000).nullish() });

export async function approveRequest(_call: Call, _input: unknown): Promise<RequestDetail> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
