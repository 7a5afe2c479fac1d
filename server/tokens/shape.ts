import { z } from 'zod';

export interface TokenRow {
  id: string;
  label: string;
  /** The last four characters. */
  hint: string;
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

/** The one time the secret is shown. */
export interface NewToken {
  id: string;
  secret: string;
  expiresAt: Date;
}

export const tokenDraftSchema = z.object({
  /** A principal's id or its name. */
  principal: z.string().min(1),
  label: z.string().max(100).default(''),
  ttlMs: z
    .int()
    .min(1_000, 'at least one second')
    .max(366 * 86_400_000, 'at most a year'),
});
