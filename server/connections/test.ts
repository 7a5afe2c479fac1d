import { z } from 'zod';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { connectionDraftSchema, type TestStage } from './shape';

export const testSchema = z.union([connectionDraftSchema, z.strictObject({ id: z.string() })]);

export async function testConnection(_call: Call, _input: unknown): Promise<{ stages: TestStage[] }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
