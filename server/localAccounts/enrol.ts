import { eq } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { principals } from '../../db/schema/identity';
import { localAccounts } from '../../db/schema/localAccounts';
import { hashSecret, seal } from '../../db/secrets';
import type { StoreHandle } from '../../db/store';
import { recordAction } from '../actions/record';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { parseInput } from '../input';
import { confirmedAuthenticator } from './authenticator';
import { accountOf, demandOwner } from './owner';
import { hashPassword } from './password';
import { PARAMETERS } from './phc';
import { newRecoveryCodes, recoveryHash } from './recoveryCodes';
import { enrolSchema, type RecoveryCodes } from './shape';
import { weaknessOf } from './weakness';

/** Gives a person their own way into the console: a password, an authenticator and recovery codes, all three or nothing. */
export async function enrolLocalAccount(call: Call, input: unknown, cost = PARAMETERS): Promise<RecoveryCodes> {
  const { store, actor, secretKey } = call;
  const owner = await demandOwner(call);
  const { password, ...shown } = parseInput(enrolSchema, input);
  if ((await accountOf(store, owner)) !== null) throw alreadySet();
  await demandStrong(store, owner, password);
  const authenticator = confirmedAuthenticator(secretKey, owner, shown, new Date());
  const passwordHash = await hashPassword(password, cost);
  const { recoveryCodes, recoveryHashes } = freshRecoveryCodes();
  const id = newId('lac');
  await store.transaction(async (tx) => {
    const made = await tx
      .insert(localAccounts)
      .values({
        id,
        principalId: owner,
        passwordHash,
        totpSealed: seal(secretKey, authenticator.secret, id),
        lastStep: authenticator.step,
        recoveryHashes,
        changedAt: new Date(),
      })
      .onConflictDoNothing()
      .returning({ id: localAccounts.id });
    if (made.length === 0) throw alreadySet();
    await recordAction(tx, actor, { action: 'localAccount.enrol', subject: actor.name });
  });
  return { recoveryCodes };
}

const alreadySet = () => new ServiceError('CONFLICT', 'you have a password already: change it instead');

export function freshRecoveryCodes(): RecoveryCodes & { recoveryHashes: string[] } {
  const recoveryCodes = newRecoveryCodes();
  return { recoveryCodes, recoveryHashes: recoveryCodes.map((code) => recoveryHash(code) ?? hashSecret(code)) };
}

/** Throws INVALID in words for the field `password`. */
export async function demandStrong(store: StoreHandle, owner: string, password: string): Promise<void> {
  const [row] = await store.select({ name: principals.name, email: principals.email }).from(principals).where(eq(principals.id, owner));
  const message = weaknessOf(password, [row?.name ?? '', row?.email ?? '']);
  if (message !== null) throw new ServiceError('INVALID', `password: ${message}`, { fields: [{ path: 'password', message }] });
}
