import type { TrackedEnvelope } from '@trpc/server';
import { z } from 'zod';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { StatementRow } from './shape';

export const tailSchema = z.object({ q: z.string().max(2_000).default(''), lastEventId: z.string().max(100).nullish() }).nullish();

export async function* watchStatements(
  _call: Call,
  _input: unknown,
  _signal: AbortSignal | undefined,
): AsyncGenerator<TrackedEnvelope<StatementRow>, void> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
