import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { AuditPage } from './shape';

export async function searchStatements(_call: Call, _input: unknown): Promise<AuditPage> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
