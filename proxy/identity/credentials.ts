import { randomBytes } from 'node:crypto';
import { and, desc, eq, gt, isNull, or, sql } from 'drizzle-orm';
import { prepared } from '../../db/prepared';
import { principals, tokens } from '../../db/schema/identity';
import type { Store } from '../../db/store';
import type { ScramKeys } from '../scram/keys';
import { keysOfVerifier, mockSalt, SCRAM_ITERATIONS } from './verifier';

/** The newest of a principal's live tokens: more would be a way to keep us busy. Older ones still work in clear. */
const MAX_TOKENS = 200;

/** What a SCRAM exchange with a name needs, whether anybody has that name or not. */
export interface Credentials {
  salt: Buffer;
  iterations: number;
  /** One for each of the principal's live tokens; never empty, so that checking a proof takes its time for every name. */
  candidates: readonly (ScramKeys & { tokenId: string | null })[];
  /** The principal has tokens, all from before there were verifiers: it can only sign in in clear. */
  onlyInClear: boolean;
}

const ofName = prepared((store) =>
  store
    .select({ salt: principals.scramSalt, disabledAt: principals.disabledAt, tokenId: tokens.id, scram: tokens.scram })
    .from(principals)
    .leftJoin(
      tokens,
      and(
        eq(tokens.principalId, principals.id),
        isNull(tokens.revokedAt),
        or(isNull(tokens.expiresAt), gt(tokens.expiresAt, sql.placeholder('now'))),
      ),
    )
    .where(eq(principals.name, sql.placeholder('user')))
    .orderBy(desc(tokens.createdAt))
    .limit(MAX_TOKENS)
    .prepare('gatehouse_credentials'),
);

/**
 * Reads what a name can prove itself with, by one query in every case.
 * @param request.mockKey see proxy/identity/verifier.ts
 */
export async function readCredentials(store: Store, request: { user: string; mockKey: Buffer; now: Date }): Promise<Credentials> {
  const rows = await ofName(store).execute({ user: request.user, now: request.now });
  const live = rows.filter((row) => row.tokenId !== null && row.disabledAt === null);
  const verifiers = live.flatMap(({ tokenId, scram }) => (scram === null || tokenId === null ? [] : [{ tokenId, scram }]));
  const [stored] = rows;
  // One exchange has one iteration count; tokens with another one would need an exchange of their own.
  const iterations = verifiers[0]?.scram.iterations ?? SCRAM_ITERATIONS;
  const candidates = verifiers
    .filter(({ scram }) => scram.iterations === iterations)
    .map(({ tokenId, scram }) => ({ tokenId, ...keysOfVerifier(scram) }));
  return {
    salt: stored === undefined ? mockSalt(request.mockKey, request.user) : Buffer.from(stored.salt, 'base64'),
    iterations,
    candidates: candidates.length > 0 ? candidates : [nobody()],
    onlyInClear: live.length > 0 && verifiers.length === 0,
  };
}

/** Keys that no password has. */
const nobody = () => ({ tokenId: null, storedKey: randomBytes(32), serverKey: randomBytes(32) });
