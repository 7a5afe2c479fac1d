import { and, eq, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { principals } from '../../../db/schema/identity';
import { localAccounts } from '../../../db/schema/localAccounts';
import { loadPrincipal } from '../../../proxy/identity/principal';
import { keepsPasswords, mayHavePassword } from '../../localAccounts/offered';
import { hashPassword, verifyPassword } from '../../localAccounts/password';
import { PARAMETERS } from '../../localAccounts/phc';
import { takeCode } from '../../localAccounts/secondFactor';
import { TooBusy } from '../../localAccounts/turns';
import { log } from '../../log';
import type { Runtime } from '../../runtime';
import { type Attempts, createAttempts } from '../../web/attempts';
import { BY_PASSWORD, recordFailedSignIn, recordSignIn } from '../recordSignIn';

/** How it ended, as far as the person is told: never which of the three was wrong, nor whether there is an account. */
export type LocalSignIn = { state: 'signedIn'; principalId: string; accountId: string } | { state: 'refused' | 'wait' | 'busy' };

const givenSchema = z.object({
  name: z.string().trim().min(1).max(254),
  password: z.string().min(1).max(1_000),
  code: z.string().min(1).max(100),
});

/** Of one name, from wherever; an address is limited in server/http.ts. A name that nobody has is counted too, or the limit would tell. */
const KEY = Symbol.for('gatehouse.namesTried');
const holder = globalThis as typeof globalThis & { [KEY]?: Attempts };
const namesTried = (): Attempts => {
  holder[KEY] ??= createAttempts({ failures: 10, windowMs: 15 * 60_000 });
  return holder[KEY];
};

type Account = typeof localAccounts.$inferSelect;
interface Candidate {
  name: string;
  /** Why this person does not get in however right the rest is; null: they may. */
  shut: string | null;
  account: Account | null;
}

/**
 * Signs a person in by name or mail address, password and a code. Whatever is wrong, one password is hashed and one answer given, so that neither
 * words nor time say what it was; the record does.
 */
export async function signInLocally(
  runtime: Pick<Runtime, 'store' | 'secretKey' | 'embeddedStore'>,
  input: unknown,
  now: Date,
  cost = PARAMETERS,
): Promise<LocalSignIn> {
  const { store, secretKey } = runtime;
  const given = givenSchema.safeParse(input, { reportInput: false });
  if (!keepsPasswords(runtime) || !given.success || Object.values(given.data).some((text) => text.includes('\0')))
    return { state: 'refused' };
  const { password, code } = given.data;
  const name = given.data.name.toLowerCase();
  if (hasToWait(name)) return told(store);
  try {
    const candidate = await findCandidate(store, given.data.name);
    const account = candidate?.shut === null ? candidate.account : null;
    const { matches, outdated } = await verifyPassword(account?.passwordHash ?? null, password, cost);
    // Many tried at once are counted one after the other, as their hashes end.
    if (hasToWait(name)) return told(store);
    if (account !== null && matches) {
      const anew = outdated ? await hashPassword(password, cost) : null;
      if (await admit({ store, secretKey }, { account, code, anew, now }))
        return { state: 'signedIn', principalId: account.principalId, accountId: account.id };
    }
    namesTried().failed(name, Date.now());
    await recordFailedSignIn(store, 'console', BY_PASSWORD, reasonOf(candidate, matches));
    return { state: 'refused' };
  } catch (error) {
    if (!(error instanceof TooBusy)) throw error;
    log.warn('console sign-in refused: too many passwords are being hashed');
    return { state: 'busy' };
  }
}

const hasToWait = (name: string): boolean => namesTried().blocked(name, Date.now()) !== null;

async function told(store: Runtime['store']): Promise<LocalSignIn> {
  await recordFailedSignIn(store, 'console', BY_PASSWORD, 'too many failures with one name');
  return { state: 'wait' };
}

/** Takes the code and records the sign-in, both or neither. False where the code is wrong, was used, or the password changed meanwhile. */
const admit = (
  { store, secretKey }: Pick<Runtime, 'store' | 'secretKey'>,
  { account, code, anew, now }: { account: Account; code: string; anew: string | null; now: Date },
): Promise<boolean> =>
  store.transaction(async (tx) => {
    const [locked] = await tx
      .select()
      .from(localAccounts)
      .where(and(eq(localAccounts.id, account.id), eq(localAccounts.passwordHash, account.passwordHash)))
      .for('update');
    const principal = await loadPrincipal(tx, account.principalId);
    if (locked === undefined || principal === null) return false;
    const by = await takeCode(tx, secretKey, locked, code, now);
    if (by === null) return false;
    if (anew !== null) await tx.update(localAccounts).set({ passwordHash: anew }).where(eq(localAccounts.id, account.id));
    await recordSignIn(tx, principal, `${BY_PASSWORD} and ${by}`);
    return true;
  });

/** By name, or by a mail address that one person alone has. */
async function findCandidate(store: Runtime['store'], typed: string): Promise<Candidate | null> {
  const rows = await store
    .select({ principal: principals, account: localAccounts })
    .from(principals)
    .leftJoin(localAccounts, eq(localAccounts.principalId, principals.id))
    .where(or(eq(principals.name, typed), sql`lower(${principals.email}) = lower(${typed})`))
    .limit(10);
  const named = rows.find(({ principal }) => principal.name === typed) ?? (rows.length === 1 ? rows[0] : undefined);
  if (named === undefined) return null;
  const { principal, account } = named;
  const shut = principal.disabledAt !== null ? 'disabled' : mayHavePassword(principal) ? null : 'signs in elsewhere';
  return { name: principal.name, shut, account };
}

/** For the record. What was typed as a name is not in it: people type their password there. */
function reasonOf(candidate: Candidate | null, matches: boolean): string {
  if (candidate === null) return 'nobody has this name';
  const why = candidate.shut ?? (candidate.account === null ? 'has no password here' : matches ? 'wrong or used code' : 'wrong password');
  return `${candidate.name}: ${why}`;
}
