import { z } from 'zod';
import type { TokenKind } from '../../db/schema/identityShapes';
import { nameSchema } from '../input';

export interface TokenRow {
  id: string;
  kind: TokenKind;
  label: string;
  /** The last four characters. */
  hint: string;
  /** The only ones it opens; null: all that its principal may. */
  connections: string[] | null;
  /** The provider whose word it was made from; null where an administrator or its own principal made it. */
  provider: string | null;
  createdAt: Date;
  /** Null: never. */
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
  /** The id of the token it was made to replace, and of the one that replaces it. */
  replaces: string | null;
  replacedBy: string | null;
}

/** The one time the secret is shown. */
export interface NewToken {
  id: string;
  secret: string;
  expiresAt: Date | null;
}

export interface RotatedToken extends NewToken {
  oldWorksUntil: Date;
}

export const tokenKindSchema = z.enum(['access', 'api_key']);

export const tokenDraftSchema = z
  .object({
    /** A principal's id or its name. */
    principal: z.string().min(1),
    kind: tokenKindSchema.default('access'),
    label: z.string().max(100).default(''),
    /** The only ones that it opens. Such a token opens no console and no API. */
    connections: z
      .array(nameSchema)
      .min(1, 'name at least one, or leave it out for all')
      .max(200)
      .nullish()
      .transform((names) => names ?? null),
    ttlMs: z
      .int()
      .min(1_000, 'at least one second')
      .max(366 * 86_400_000, 'at most a year')
      .nullable(),
  })
  .refine(({ kind, ttlMs }) => ttlMs !== null || kind === 'api_key', {
    path: ['ttlMs'],
    message: 'an access token expires; only an API key may live until it is revoked',
  });

export const tokenRotateSchema = z.object({
  id: z.string().min(1).max(64),
  /** How long the old one goes on working. */
  overlapMs: z
    .int()
    .min(0)
    .max(30 * 86_400_000, 'at most 30 days')
    .default(3_600_000),
});
