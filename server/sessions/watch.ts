import type { TrackedEnvelope } from '@trpc/server';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';

import type { SessionRow } from './shape';

export interface SessionEvent {
  id: string;
  session: SessionRow;
}

export async function* watchSessions(
  _call: Call,
  _input: unknown,
  _signal: AbortSignal | undefined,
): AsyncGenerator<TrackedEnvelope<SessionEvent>, void> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
