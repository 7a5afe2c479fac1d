import { eq } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import type { PrincipalKind, Role } from '../../db/schema/shapes';
import { ServiceError } from '../errors';
import type { Call } from './actor';
import { demand } from './permission';

export interface Me {
  id: string;
  name: string;
  email: string | null;
  kind: PrincipalKind;
  role: Role;
  groups: string[];
}

/** Who is signed in. */
export async function getMe({ store, actor }: Call): Promise<Me> {
  demand(actor, 'me:read');
  const [row] = actor.id === null ? [] : await store.select().from(principals).where(eq(principals.id, actor.id));
  if (row === undefined) throw new ServiceError('UNAUTHORIZED', 'sign in first');
  return { id: row.id, name: row.name, email: row.email, kind: row.kind, role: row.role, groups: [...actor.groups] };
}
