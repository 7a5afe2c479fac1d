import { bigint, boolean, index, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { principals } from './identity';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** Keys that people prove themselves with in their browser (WebAuthn). The store has the public half alone. */
export const passkeys = pgTable(
  'passkeys',
  {
    id: text('id').primaryKey(),
    principalId: text('principal_id')
      .notNull()
      .references(() => principals.id, { onDelete: 'cascade' }),
    /** As the authenticator calls it, base64url. */
    credentialId: text('credential_id').notNull().unique(),
    /** COSE_Key (RFC 9052 §7), base64url. */
    publicKey: text('public_key').notNull(),
    /** Of signatures; 0 for authenticators that keep none. One that does not grow is of a copy. */
    counter: bigint('counter', { mode: 'number' }).notNull(),
    /** How a browser reaches the authenticator: `internal`, `hybrid`, `usb`. */
    transports: jsonb('transports').$type<string[]>().notNull(),
    /** The person's own word for it. */
    name: text('name').notNull(),
    /** It is kept by a provider of passkeys too, and so on more than one device. */
    backedUp: boolean('backed_up').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    lastUsedAt: instant('last_used_at'),
  },
  (t) => [index('passkeys_principal').on(t.principalId)],
);

/** What an authenticator is asked to sign, once: whoever takes the row has used it. Any gateway of the store may take it. */
export const passkeyChallenges = pgTable('passkey_challenges', {
  /** SHA-256 of the challenge. */
  hash: text('hash').primaryKey(),
  /** SHA-256 of what it is for: sign-in, registration, or one decision on one statement. */
  purposeHash: text('purpose_hash').notNull(),
  /** SHA-256 of what tells the browser from others: its cookie, or its console session. */
  browserHash: text('browser_hash').notNull(),
  /** Null where nobody is signed in yet. */
  principalId: text('principal_id').references(() => principals.id, { onDelete: 'cascade' }),
  expiresAt: instant('expires_at').notNull(),
});
