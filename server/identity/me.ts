import type { PrincipalKind, Role } from '../../db/schema/shapes';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';

export interface Me {
  id: string;
  name: string;
  email: string | null;
  kind: PrincipalKind;
  role: Role;
  groups: string[];
}

export async function getMe(_call: Call): Promise<Me> {
  throw new ServiceError('UNAVAILABLE', 'this part of the gateway is still being built');
}
