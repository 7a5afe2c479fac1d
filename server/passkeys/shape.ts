import { z } from 'zod';

/** More than anybody has devices. */
export const MOST_PASSKEYS = 10;

/** COSE algorithms that are asked for and taken: EdDSA, ES256, RS256 (RFC 9053 §2, RFC 8812 §2). */
export const ALGORITHMS = [-8, -7, -257];

const base64url = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[A-Za-z0-9_-]+$/, 'not base64url');

const credential = {
  id: base64url(1_400),
  rawId: base64url(1_400),
  type: z.literal('public-key'),
};

/** What a browser brings back when an authenticator has signed (WebAuthn §5.1.5, AuthenticationResponseJSON). */
export const assertionSchema = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: base64url(8_000),
      authenticatorData: base64url(8_000),
      signature: base64url(8_000),
      /** The principal's id; an authenticator that keeps no account leaves it out. */
      userHandle: base64url(100).nullish(),
    }),
  })
  // What extensions say decides nothing here.
  .transform((given) => ({ ...given, clientExtensionResults: {} }));
export type Assertion = z.output<typeof assertionSchema>;

/** What it brings back when an authenticator has made a key (RegistrationResponseJSON). */
export const registrationSchema = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: base64url(8_000),
      attestationObject: base64url(60_000),
      transports: z
        .array(z.string().regex(/^[a-z-]{1,20}$/))
        .max(10)
        .default([]),
    }),
  })
  .transform((given) => ({ ...given, clientExtensionResults: {} }));

export const passkeyNameSchema = z
  .string()
  .trim()
  .min(1, 'say what tells it from your others, e.g. Work laptop')
  .max(60)
  .regex(/^\P{C}*$/u, 'control characters cannot be shown');

/** What of a passkey is shown. */
export interface PasskeyRow {
  id: string;
  name: string;
  /** Kept by a provider of passkeys, and so on more than one device. */
  backedUp: boolean;
  createdAt: Date;
  lastUsedAt: Date | null;
}

/** A reviewer's passkeys, and whether this console takes any. */
export interface OwnPasskeys {
  rows: PasskeyRow[];
  most: number;
  /** The address where browsers take them; null, with the reason, where they cannot. */
  origin: string | null;
  whyNot: string | null;
}
