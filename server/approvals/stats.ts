import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { ApprovalStats } from './shape';

export async function approvalStats(_call: Call): Promise<ApprovalStats> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
