import { z } from 'zod';
import type { PrincipalKind, PrincipalLimits, Role } from '../../db/schema/shapes';
import { given, nameSchema } from '../input';
import { kindSchema, roleSchema, slackUserIdSchema } from '../policy/shapes';

export interface PrincipalRow {
  id: string;
  name: string;
  kind: PrincipalKind;
  email: string | null;
  slackUserId: string | null;
  role: Role;
  /** The name of the person an agent acts for. */
  owner: string | null;
  groups: string[];
  limits: PrincipalLimits;
  disabledAt: Date | null;
  /** A password and an authenticator, here. */
  hasPassword: boolean;
  /** Tokens that still work. */
  tokens: number;
  passkeys: number;
  /** Signed in, anywhere and by whatever. */
  lastSeenAt: Date | null;
}

const budgetSchema = z
  .strictObject({
    statements: z.int().min(1).optional(),
    rows: z.int().min(1).optional(),
    maskedValues: z.int().min(1).optional(),
  })
  .transform(given);

export const principalLimitsSchema = z
  .strictObject({
    maxSessions: z.int().positive().max(100_000).optional(),
    perHour: budgetSchema.optional(),
    perDay: budgetSchema.optional(),
  })
  .transform(given);

/** `owner` and `groups` are names. A principal keeps its name for life: the record speaks of it by name. */
export const principalDraftSchema = z.object({
  id: z.string().optional(),
  name: nameSchema,
  kind: kindSchema,
  email: z.email('not a mail address').max(254).nullish(),
  slackUserId: slackUserIdSchema.nullish(),
  role: roleSchema.default('member'),
  owner: z.string().nullish(),
  groups: z.array(nameSchema).max(200).default([]),
  /** Absent keeps what is stored. */
  limits: principalLimitsSchema.optional(),
});
