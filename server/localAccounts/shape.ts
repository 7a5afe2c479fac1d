import { z } from 'zod';

/** Beyond that nobody typed it. What a new one has to be: weakness.ts. */
const secretText = z.string().min(1, 'is needed').max(1_000);

/** What is asked for again before anything of an account is changed. */
export const proofSchema = z.object({
  password: secretText,
  /** Of the authenticator, or a recovery code. */
  code: secretText,
});

const newPassword = secretText;
/** What {@link Authenticator} says of an authenticator that was shown, and the code that it gives. */
const newAuthenticator = { pending: z.string().max(2_000), code: z.string().max(100) };

export const enrolSchema = z.object({ password: newPassword, ...newAuthenticator });
export const changePasswordSchema = z.object({ current: proofSchema, password: newPassword });
export const changeAuthenticatorSchema = z.object({ current: proofSchema, ...newAuthenticator });
export const renewRecoveryCodesSchema = z.object({ current: proofSchema });
export const removeOwnLocalAccountSchema = z.object({ current: proofSchema });
/** Whose: a principal's id or its name. */
export const removeLocalAccountSchema = z.object({ principal: z.string().min(1).max(64) });

/** An authenticator that is about to be set up. Its secret is in no store until a code of it came back. */
export interface Authenticator {
  /** Base32, to type where nothing scans. */
  secret: string;
  /** `otpauth://totp/…`, to scan. */
  uri: string;
  /** The same, sealed for its person, to come back with a code. */
  pending: string;
}

/** How somebody stands with their password here. */
export type OwnLocalAccount =
  | { state: 'notOffered'; why: string }
  | { state: 'none' }
  | { state: 'set'; changedAt: Date; recoveryCodesLeft: number };

export interface RecoveryCodes {
  /** Shown this once. */
  recoveryCodes: string[];
}
