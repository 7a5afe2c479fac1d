import { eq } from 'drizzle-orm';
import { localAccounts } from '../../db/schema/localAccounts';
import { seal } from '../../db/secrets';
import type { StoreTransaction } from '../../db/store';
import { lockPolicy, recordAction } from '../actions/record';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { parseInput } from '../input';
import { createAttempts } from '../web/attempts';
import { confirmedAuthenticator } from './authenticator';
import { demandStrong, freshRecoveryCodes } from './enrol';
import { accountOf, demandOwner } from './owner';
import { hashPassword, verifyPassword } from './password';
import { PARAMETERS } from './phc';
import { takeCode } from './secondFactor';
import {
  changeAuthenticatorSchema,
  changePasswordSchema,
  type RecoveryCodes,
  removeOwnLocalAccountSchema,
  renewRecoveryCodesSchema,
} from './shape';
import { demandWayIn } from './wayIn';

type Account = typeof localAccounts.$inferSelect;

/** A console that somebody left open must not be a place to guess at. */
const attempts = createAttempts({ failures: 10, windowMs: 15 * 60_000 });

/** Sets a new password. Console sessions that the password of before opened are over, this one too if it is one of them. */
export async function changePassword(call: Call, input: unknown, cost = PARAMETERS): Promise<{ changedAt: Date }> {
  const owner = await demandOwner(call);
  const { current, password } = parseInput(changePasswordSchema, input);
  await demandStrong(call.store, owner, password);
  const known = await provedPassword(call, owner, current.password);
  const changedAt = new Date();
  const passwordHash = await hashPassword(password, cost);
  await change(call, { known, code: current.code, action: 'localAccount.changePassword' }, set({ passwordHash, changedAt }));
  return { changedAt };
}

/** Puts another authenticator in place of the one of before; what that opened is over, as with a password. Recovery codes stay. */
export async function changeAuthenticator(call: Call, input: unknown): Promise<{ changedAt: Date }> {
  const owner = await demandOwner(call);
  const { current, ...shown } = parseInput(changeAuthenticatorSchema, input);
  const known = await provedPassword(call, owner, current.password);
  const changedAt = new Date();
  const { secret, step } = confirmedAuthenticator(call.secretKey, owner, shown, changedAt);
  const totpSealed = seal(call.secretKey, secret, known.id);
  await change(
    call,
    { known, code: current.code, action: 'localAccount.changeAuthenticator' },
    set({ totpSealed, lastStep: step, changedAt }),
  );
  return { changedAt };
}

/** Ten new recovery codes; those of before are worth nothing. */
export async function renewRecoveryCodes(call: Call, input: unknown): Promise<RecoveryCodes> {
  const owner = await demandOwner(call);
  const { current } = parseInput(renewRecoveryCodesSchema, input);
  const known = await provedPassword(call, owner, current.password);
  const { recoveryCodes, recoveryHashes } = freshRecoveryCodes();
  await change(call, { known, code: current.code, action: 'localAccount.renewRecoveryCodes' }, set({ recoveryHashes }));
  return { recoveryCodes };
}

/**
 * Takes one's own password, authenticator and recovery codes away; console sessions that they opened are over. Throws CONFLICT where no
 * administrator could sign in any more.
 */
export async function removeOwnLocalAccount(call: Call, input: unknown): Promise<void> {
  const owner = await demandOwner(call);
  const { current } = parseInput(removeOwnLocalAccountSchema, input);
  const known = await provedPassword(call, owner, current.password);
  await change(call, { known, code: current.code, action: 'localAccount.remove', lockFirst: lockPolicy }, async (tx, { id }) => {
    await tx.delete(localAccounts).where(eq(localAccounts.id, id));
    if (call.actor.role === 'admin') await demandWayIn(tx);
  });
}

type Change = (tx: StoreTransaction, account: Account) => Promise<unknown>;
const set =
  (values: Partial<Account>): Change =>
  (tx, { id }) =>
    tx.update(localAccounts).set(values).where(eq(localAccounts.id, id));

async function provedPassword({ store }: Call, owner: string, password: string): Promise<Account> {
  const account = await accountOf(store, owner);
  if (account === null) throw new ServiceError('NOT_FOUND', 'you have no password here yet');
  demandFew(owner);
  const { matches } = await verifyPassword(account.passwordHash, password);
  // Many tried at once are counted one after the other, as their hashes end.
  demandFew(owner);
  if (matches) return account;
  attempts.failed(owner, Date.now());
  throw wrongProof();
}

function demandFew(owner: string): void {
  const waitS = attempts.blocked(owner, Date.now());
  if (waitS !== null)
    throw new ServiceError('CONFLICT', `too many wrong passwords or codes; try again in ${Math.ceil(waitS / 60)} minutes`);
}

/** Takes the code and makes the change, both or neither, unless somebody has changed the account since the password was proved. */
async function change(
  { store, actor, secretKey }: Call,
  {
    known,
    code,
    action,
    lockFirst,
  }: { known: Account; code: string; action: string; lockFirst?: (tx: StoreTransaction) => Promise<unknown> },
  make: Change,
): Promise<void> {
  const done = await store.transaction(async (tx) => {
    await lockFirst?.(tx);
    const account = await locked(tx, known.id);
    if (account === null || account.passwordHash !== known.passwordHash) return false;
    const by = await takeCode(tx, secretKey, account, code, new Date());
    if (by === null) return false;
    await make(tx, account);
    await recordAction(tx, actor, { action, subject: actor.name, after: { provedBy: `password and ${by}` } });
    return true;
  });
  if (done) return;
  attempts.failed(known.principalId, Date.now());
  throw wrongProof();
}

async function locked(tx: StoreTransaction, id: string): Promise<Account | null> {
  const [row] = await tx.select().from(localAccounts).where(eq(localAccounts.id, id)).for('update');
  return row ?? null;
}

function wrongProof(): ServiceError {
  const message = 'the current password or its code is wrong; each code works once, so wait for the next one';
  return new ServiceError('INVALID', message, { fields: [{ path: 'current', message }] });
}
