import type { StatementRow } from '../audit/shape';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { SessionRow } from './shape';

export async function getSession(_call: Call, _input: unknown): Promise<{ session: SessionRow; statements: StatementRow[] }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
