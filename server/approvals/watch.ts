import type { TrackedEnvelope } from '@trpc/server';
import type { ApprovalStatus } from '../../db/schema/shapes';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { RequestRow } from './shape';

export interface RequestEvent {
  id: string;
  status: ApprovalStatus;
  row: RequestRow;
}

export async function* watchRequests(
  _call: Call,
  _input: unknown,
  _signal: AbortSignal | undefined,
): AsyncGenerator<TrackedEnvelope<RequestEvent>, void> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
