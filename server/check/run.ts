import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { CheckResult } from './shape';

export async function runCheck(_call: Call, _input: unknown): Promise<CheckResult> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
