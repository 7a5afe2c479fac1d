import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import type { Snippets } from './shape';

export async function connectionSnippets(_call: Call, _input: unknown): Promise<Snippets> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
