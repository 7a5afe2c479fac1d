import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';

export async function exportDocument(_call: Call): Promise<{ yaml: string }> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
