import { bigint, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { principals } from './identity';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** A person's password and second factor, where the gateway runs its own store. There is one only whole: a password alone signs nobody in. */
export const localAccounts = pgTable('local_accounts', {
  id: text('id').primaryKey(),
  principalId: text('principal_id')
    .notNull()
    .unique()
    .references(() => principals.id, { onDelete: 'cascade' }),
  /** A PHC string: scrypt's parameters, salt and hash. */
  passwordHash: text('password_hash').notNull(),
  /** The TOTP secret, sealed for this id. */
  totpSealed: text('totp_sealed').notNull(),
  /** The newest step whose code was used: no code is taken twice (RFC 6238 §5.2). */
  lastStep: bigint('last_step', { mode: 'number' }).notNull(),
  /** SHA-256 of the recovery codes that are left. */
  recoveryHashes: text('recovery_hashes').array().notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  /** Password and authenticator are of then: console sessions that those of before opened are over. */
  changedAt: instant('changed_at').notNull(),
});
