import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { findStatement } from './get';
import type { StoredStatement } from './rows';

/** A statement that the caller may read. @throws ServiceError NOT_FOUND where there is none, or it is none of their business */
export async function ownStatement({ store, actor }: Call, id: string): Promise<StoredStatement> {
  demand(actor, 'audit:own');
  const stored = await findStatement(store, id);
  if (stored === undefined || !isOwn(actor, stored.source)) throw notFound('statement', id);
  return stored;
}
