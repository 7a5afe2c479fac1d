import { sql } from 'drizzle-orm';
import { type AnyPgColumn, index, integer, jsonb, pgTable, primaryKey, text, timestamp, unique } from 'drizzle-orm/pg-core';
import type { IdentityProvider, SamlNameId, ScimGroup, ScimUser, TokenIdentity, TokenKind } from './identityShapes';
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
  /** The provider that made it and speaks for it, by its id, or `scim`; null for one that the policy names. */
  managedBy: text('managed_by'),
  /** Null where SCIM has never spoken of it. */
  scim: jsonb('scim').$type<ScimUser | null>(),
  disabledAt: instant('disabled_at'),
  /** Identities that were issued before are not believed any more, and their sessions are over. */
  signedOutAt: instant('signed_out_at'),
  createdAt: instant('created_at').notNull().defaultNow(),
});

export const groups = pgTable('groups', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  /** Unless null or deleted, SCIM keeps its members, and it is no document's to delete. */
  scim: jsonb('scim').$type<ScimGroup | null>(),
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
    /** The provider who said so at the last sign-in, by its id, or `scim`; empty where an administrator did. */
    source: text('source').notNull().default(''),
  },
  (t) => [primaryKey({ columns: [t.principalId, t.groupId, t.source] })],
);

/** Who says who people and workloads are. */
export const identityProviders = pgTable('identity_providers', {
  id: text('id').primaryKey(),
  position: integer('position').notNull(),
  name: text('name').notNull().unique(),
  /** Without its secret. */
  settings: jsonb('settings').$type<IdentityProvider>().notNull(),
  /** The console's client secret, sealed for this id. */
  secretSealed: text('secret_sealed'),
});

/** Whom a provider's subject is: kept from the first sign-in on, so that a name that is given to somebody else there is not given to them here. */
export const identities = pgTable(
  'identities',
  {
    id: text('id').primaryKey(),
    providerId: text('provider_id')
      .notNull()
      .references(() => identityProviders.id, { onDelete: 'cascade' }),
    subject: text('subject').notNull(),
    principalId: text('principal_id')
      .notNull()
      .references(() => principals.id, { onDelete: 'cascade' }),
    createdAt: instant('created_at').notNull().defaultNow(),
    lastSeenAt: instant('last_seen_at'),
  },
  (t) => [unique('identities_subject').on(t.providerId, t.subject), index('identities_principal').on(t.principalId)],
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
    /** An API key is what a service keeps; an access token is what a person or a program gets for a while. */
    kind: text('kind').$type<TokenKind>().notNull().default('access'),
    /** The connections it opens; null: all that its principal may. A token for some opens no console and no API. */
    connections: jsonb('connections').$type<string[] | null>(),
    /** What the identity was that it was made from; null where an administrator or its own principal made it. */
    identity: jsonb('identity').$type<TokenIdentity | null>(),
    /** The token it was made to replace; each is replaced once. */
    replaces: text('replaces')
      .unique()
      .references((): AnyPgColumn => tokens.id, { onDelete: 'set null' }),
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

/** Sign-ons at SAML providers that console sessions rest on: single logout ends them there and here. */
export const signOns = pgTable(
  'sign_ons',
  {
    id: text('id').primaryKey(),
    providerId: text('provider_id')
      .notNull()
      .references(() => identityProviders.id, { onDelete: 'cascade' }),
    principalId: text('principal_id')
      .notNull()
      .references(() => principals.id, { onDelete: 'cascade' }),
    nameId: jsonb('name_id').$type<SamlNameId>().notNull(),
    /** What the provider calls the session; null where it does not say. */
    sessionIndex: text('session_index'),
    createdAt: instant('created_at').notNull().defaultNow(),
    endedAt: instant('ended_at'),
  },
  (t) => [index('sign_ons_provider').on(t.providerId)],
);

/** One-time console sign-in links; used once, within their time, then worthless. */
export const signInLinks = pgTable('sign_in_links', {
  id: text('id').primaryKey(),
  hash: text('hash').notNull().unique(),
  principalId: text('principal_id')
    .notNull()
    .references(() => principals.id, { onDelete: 'cascade' }),
  /** The provider that has just said who it is, where the link is the last step of a sign-on there. */
  providerId: text('provider_id').references(() => identityProviders.id, { onDelete: 'cascade' }),
  signOnId: text('sign_on_id').references(() => signOns.id, { onDelete: 'cascade' }),
  expiresAt: instant('expires_at').notNull(),
  usedAt: instant('used_at'),
});

/** Programs that ask a person to sign them in (RFC 8628): whoever holds the device code gets a token once the person has said yes. */
export const deviceLogins = pgTable('device_logins', {
  id: text('id').primaryKey(),
  deviceHash: text('device_hash').notNull().unique(),
  /** HMAC-SHA-256 of the code that the person types, under a key of the store; it lives for minutes. */
  userHash: text('user_hash').notNull().unique(),
  /** What the program says it is, for the person to recognise. */
  client: text('client').notNull(),
  clientAddress: text('client_address').notNull(),
  connections: jsonb('connections').$type<string[] | null>(),
  createdAt: instant('created_at').notNull().defaultNow(),
  expiresAt: instant('expires_at').notNull(),
  /** Who decided. */
  principalId: text('principal_id').references(() => principals.id, { onDelete: 'cascade' }),
  decision: text('decision').$type<'approved' | 'denied'>(),
  polledAt: instant('polled_at'),
  usedAt: instant('used_at'),
});

/** SAML requests that are on their way, each bound to the browser it was made for; used once. */
export const samlRequests = pgTable('saml_requests', {
  id: text('id').primaryKey(),
  providerId: text('provider_id')
    .notNull()
    .references(() => identityProviders.id, { onDelete: 'cascade' }),
  browserHash: text('browser_hash').notNull(),
  /** Where the person was going. */
  returnTo: text('return_to').notNull(),
  expiresAt: instant('expires_at').notNull(),
  usedAt: instant('used_at'),
});

/** SAML assertions and logout requests that were believed, until they would not be any more: none is believed twice. */
export const usedAssertions = pgTable('used_assertions', {
  /** Hash of provider and the message's id. */
  id: text('id').primaryKey(),
  expiresAt: instant('expires_at').notNull(),
});

/** The pairs that Gatehouse signs its SAML requests with and opens assertions with; one store, one pair, and a rotation adds the next. */
export const samlKeys = pgTable('saml_keys', {
  id: text('id').primaryKey(),
  /** PEM; self-signed, and in our metadata. */
  certificate: text('certificate').notNull(),
  /** The private key, PKCS #8 in PEM, sealed for this id. */
  keySealed: text('key_sealed').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  /** Until then a pair of before still signs and opens; null for the newest. */
  endsAt: instant('ends_at'),
});
