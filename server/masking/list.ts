import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { MaskingRow } from './shape';

export async function listMasking(_call: Call): Promise<MaskingRow[]> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
