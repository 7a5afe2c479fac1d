import { Secret, TOTP } from 'otpauth';

/** What an authenticator app shows at a moment for a key that was typed into it. */
export const codeAt = (key: string, at: Date): string => TOTP.generate({ secret: Secret.fromBase32(key), timestamp: at.getTime() });
