import { newId } from '../../db/ids';
import { tokens } from '../../db/schema/identity';
import type { TokenIdentity, TokenKind } from '../../db/schema/identityShapes';
import { hashSecret, newSecret } from '../../db/secrets';
import type { StoreTransaction } from '../../db/store';
import { makeVerifier } from '../../proxy/identity/verifier';
import type { NewToken } from './shape';

const PREFIX = { access: 'gh_at', api_key: 'gh_ak' } as const;

export interface TokenToMake {
  principal: { id: string; salt: string };
  kind: TokenKind;
  label: string;
  connections: readonly string[] | null;
  identity: TokenIdentity | null;
  /** Null: never. */
  expiresAt: Date | null;
  /** The id of the token it is made to replace. */
  replaces?: string;
}

/** Writes a token. The secret is in the answer and nowhere else: the store keeps its SHA-256 and a SCRAM verifier. */
export async function makeToken(tx: StoreTransaction, draft: TokenToMake): Promise<NewToken & { hint: string }> {
  const secret = newSecret(PREFIX[draft.kind]);
  const id = newId('tok');
  const hint = secret.slice(-4);
  const scram = await makeVerifier(secret, draft.principal.salt);
  await tx.insert(tokens).values({
    id,
    principalId: draft.principal.id,
    kind: draft.kind,
    label: draft.label,
    connections: draft.connections === null ? null : [...draft.connections],
    identity: draft.identity,
    hash: hashSecret(secret),
    scram,
    hint,
    expiresAt: draft.expiresAt,
    replaces: draft.replaces ?? null,
  });
  return { id, secret, expiresAt: draft.expiresAt, hint };
}
