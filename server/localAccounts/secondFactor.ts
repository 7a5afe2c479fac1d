import { and, eq, lt, sql } from 'drizzle-orm';
import { localAccounts } from '../../db/schema/localAccounts';
import { open } from '../../db/secrets';
import type { StoreTransaction } from '../../db/store';
import { recoveryHash } from './recoveryCodes';
import { stepOfCode } from './totp';

export type SecondFactor = 'code' | 'recovery code';

/**
 * Takes a code of the authenticator, or a recovery code; null when it is wrong or was taken before. The conditional updates decide: of any number
 * of attempts with one code at once, one gets it.
 */
export async function takeCode(
  tx: StoreTransaction,
  secretKey: Buffer,
  account: Pick<typeof localAccounts.$inferSelect, 'id' | 'totpSealed' | 'lastStep'>,
  typed: string,
  now: Date,
): Promise<SecondFactor | null> {
  const step = stepOfCode(open(secretKey, account.totpSealed, account.id), typed.replace(/\s/g, ''), now, account.lastStep);
  if (step !== null) {
    const taken = await tx
      .update(localAccounts)
      .set({ lastStep: step })
      .where(and(eq(localAccounts.id, account.id), lt(localAccounts.lastStep, step)))
      .returning({ id: localAccounts.id });
    return taken.length === 0 ? null : 'code';
  }
  const hash = recoveryHash(typed);
  if (hash === null) return null;
  const taken = await tx
    .update(localAccounts)
    .set({ recoveryHashes: sql`array_remove(${localAccounts.recoveryHashes}, ${hash})` })
    .where(and(eq(localAccounts.id, account.id), sql`${hash} = ANY(${localAccounts.recoveryHashes})`))
    .returning({ id: localAccounts.id });
  return taken.length === 0 ? null : 'recovery code';
}
