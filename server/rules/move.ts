import { z } from 'zod';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';

export const moveSchema = z.object({ id: z.string(), position: z.int().min(0) });

export async function moveRule(_call: Call, _input: unknown): Promise<{ id: string; position: number }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
