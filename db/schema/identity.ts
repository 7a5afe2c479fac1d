import { sql } from 'drizzle-orm';
import { type AnyPgColumn, index, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { PrincipalKind, PrincipalLimits, Role, ScramVerifier } from './shapes';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

export const principals = pgTable('principals', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  kind: text('kind').$type<PrincipalKind>().notNull(),
  email: text('email'),
  role: text('role').$type<Role>().notNull().default('member'),
  /** The person an agent acts for; they may not approve what it asks. */
  ownerId: text('owner_id').references((): AnyPgColumn => principals.id, { onDelete: 'set null' }),
  /**
   * 16 bytes in base64, the same for all tokens of the principal: one SCRAM exchange can then be checked against each of them. Hashed, so
   * that nothing in it tells a stored salt from one that was made up for an unknown name.
   */
  scramSalt: text('scram_salt').notNull().default(sql`encode(substring(sha256(uuid_send(gen_random_uuid())) from 1 for 16), 'base64')`),
  /** Who they are in Slack, where their mail address does not say it. */
  slackUserId: text('slack_user_id').unique(),
  limits: jsonb('limits').$type<PrincipalLimits>().notNull().default({}),
  disabledAt: instant('disabled_at'),
  createdAt: instant('created_at').notNull().defaultNow(),
});

export const groups = pgTable('groups', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
});

export const principalGroups = pgTable(
  'principal_groups',
  {
    principalId: text('principal_id')
      .notNull()
      .references(() => principals.id, { onDelete: 'cascade' }),
    groupId: text('group_id')
      .notNull()
      .references(() => groups.id, { onDelete: 'cascade' }),
  },
  (t) => [primaryKey({ columns: [t.principalId, t.groupId] })],
);

/** Access tokens and API keys. Only the SHA-256 of the secret and a SCRAM verifier are stored; the secret is shown once. */
export const tokens = pgTable(
  'tokens',
  {
    id: text('id').primaryKey(),
    principalId: text('principal_id')
      .notNull()
      .references(() => principals.id, { onDelete: 'cascade' }),
    label: text('label').notNull().default(''),
    hash: text('hash').notNull().unique(),
    /** Null for a token from before there were verifiers: it signs in in clear, and then gets one. */
    scram: jsonb('scram').$type<ScramVerifier>(),
    /** The last four characters, so that a person can tell two tokens apart. */
    hint: text('hint').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
    revokedAt: instant('revoked_at'),
  },
  (t) => [index('tokens_principal').on(t.principalId)],
);

/** One-time console sign-in links; used once, within their time, then worthless. */
export const signInLinks = pgTable('sign_in_links', {
  id: text('id').primaryKey(),
  hash: text('hash').notNull().unique(),
  principalId: text('principal_id')
    .notNull()
    .references(() => principals.id, { onDelete: 'cascade' }),
  expiresAt: instant('expires_at').notNull(),
  usedAt: instant('used_at'),
});
