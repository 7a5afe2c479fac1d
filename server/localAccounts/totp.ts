import { Secret, TOTP } from 'otpauth';

/** Seconds a code is for (RFC 6238 §4.1); apps know no other. */
const PERIOD_S = 30;
/** Steps that a phone's clock may be off. */
const WINDOW = 1;

/** 160 bits in base32, as authenticator apps take it (RFC 4226 §4). */
export const newTotpSecret = (): string => new Secret({ size: 20 }).base32;

/** What an app scans. Pure. */
export const totpUri = (secret: string, { person, gateway }: { person: string; gateway: string }): string =>
  new TOTP({ issuer: `Gatehouse ${gateway}`, label: person, secret, period: PERIOD_S }).toString();

/** The code of a moment. Pure. */
export const codeAt = (secret: string, at: Date): string =>
  TOTP.generate({ secret: Secret.fromBase32(secret), period: PERIOD_S, timestamp: at.getTime() });

/**
 * The step that a code is of, when that is now, the one before or the one after, and later than `lastStep`; null otherwise. Pure.
 */
export function stepOfCode(secret: string, code: string, now: Date, lastStep: number): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  const timestamp = now.getTime();
  const away = TOTP.validate({ token: code, secret: Secret.fromBase32(secret), period: PERIOD_S, timestamp, window: WINDOW });
  if (away === null) return null;
  const step = Math.floor(timestamp / 1_000 / PERIOD_S) + away;
  return step > lastStep ? step : null;
}
