import { z } from 'zod';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { TokenRow } from './shape';

export const tokensListSchema = z.object({ principalId: z.string() });

export async function listTokens(_call: Call, _input: unknown): Promise<TokenRow[]> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
