import { z } from 'zod';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';

export const killSchema = z.object({ id: z.string(), reason: z.string().max(500).nullish() });

export async function killSession(_call: Call, _input: unknown): Promise<{ id: string; killRequestedAt: Date }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
