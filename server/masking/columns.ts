import { z } from 'zod';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { SchemaColumn } from './shape';

/** `connection` is a connection's name. */
export const columnsSchema = z.object({ connection: z.string() });

export async function listSchemaColumns(_call: Call, _input: unknown): Promise<SchemaColumn[]> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
