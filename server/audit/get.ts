import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { StatementDetail } from './shape';

export async function getStatement(_call: Call, _input: unknown): Promise<StatementDetail> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
