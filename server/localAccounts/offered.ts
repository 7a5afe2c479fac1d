import { eq } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import { localAccounts } from '../../db/schema/localAccounts';
import type { StoreHandle } from '../../db/store';
import { ServiceError } from '../errors';
import type { Actor } from '../identity/actor';
import { getRuntime, type Runtime } from '../runtime';

const ELSEWHERE =
  'passwords are for a gateway with its embedded PostgreSQL; with a store of your own (DATABASE_URL) people sign in by OIDC, SAML or passkeys';

/** Whether this gateway keeps passwords at all: where it is not known, it does not. */
export const keepsPasswords = ({ embeddedStore }: Pick<Runtime, 'embeddedStore'>): boolean => embeddedStore === true;

/** Whether the sign-in page asks for a password: where nobody has one, it would only lead astray. */
export async function signsInByPassword(runtime: Pick<Runtime, 'store' | 'embeddedStore'>): Promise<boolean> {
  if (!keepsPasswords(runtime)) return false;
  return (await runtime.store.select({ id: localAccounts.id }).from(localAccounts).limit(1)).length > 0;
}

/** Throws CONFLICT in words that say what to use instead. */
export function demandOffered(): void {
  if (!keepsPasswords(getRuntime())) throw new ServiceError('CONFLICT', ELSEWHERE);
}

/** Whom a provider or a directory speaks for, it has to be able to lock out. Pure. */
export const mayHavePassword = (row: { kind: Actor['kind']; managedBy: string | null }): boolean =>
  row.kind === 'human' && row.managedBy === null;

/** Why somebody cannot have a password here; null when they can. */
export async function whyNotOffered(store: StoreHandle, actor: Actor): Promise<string | null> {
  if (!keepsPasswords(getRuntime())) return ELSEWHERE;
  const [row] = await store
    .select({ kind: principals.kind, managedBy: principals.managedBy })
    .from(principals)
    .where(eq(principals.id, actor.id ?? ''));
  if (row?.kind !== 'human') return 'passwords are for people';
  return mayHavePassword(row) ? null : 'your identity provider speaks for you: sign in there';
}
