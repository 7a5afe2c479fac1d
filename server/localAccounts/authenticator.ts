import { z } from 'zod';
import { open, seal } from '../../db/secrets';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { getRuntime } from '../runtime';
import { demandOwner } from './owner';
import type { Authenticator } from './shape';
import { newTotpSecret, stepOfCode, totpUri } from './totp';

/** How long somebody may take to find their phone. */
const PENDING_MS = 15 * 60_000;

const boundTo = (principalId: string): string => `authenticator of ${principalId}`;
const pendingSchema = z.object({ secret: z.string(), untilMs: z.number() });

/** Shows a person a new authenticator; it counts once a code of it comes back. */
export async function beginAuthenticator(call: Call): Promise<Authenticator> {
  const owner = await demandOwner(call);
  const secret = newTotpSecret();
  const gateway = new URL(getRuntime().consoleUrl).hostname;
  return {
    secret,
    uri: totpUri(secret, { person: call.actor.name, gateway }),
    pending: seal(call.secretKey, JSON.stringify({ secret, untilMs: Date.now() + PENDING_MS }), boundTo(owner)),
  };
}

/** The authenticator that was shown, proved by a code of it. Throws INVALID in words for the field. */
export function confirmedAuthenticator(
  secretKey: Buffer,
  owner: string,
  { pending, code }: { pending: string; code: string },
  now: Date,
): { secret: string; step: number } {
  const shown = readPending(secretKey, owner, pending);
  if (shown === null || shown.untilMs < now.getTime())
    throw new ServiceError('INVALID', 'this took too long; begin again with a new key for the authenticator');
  const step = stepOfCode(shown.secret, code.replace(/\s/g, ''), now, -1);
  if (step !== null) return { secret: shown.secret, step };
  const message = 'not the code that the authenticator shows now; is the clock of the phone right?';
  throw new ServiceError('INVALID', `code: ${message}`, { fields: [{ path: 'code', message }] });
}

function readPending(secretKey: Buffer, owner: string, pending: string): z.output<typeof pendingSchema> | null {
  try {
    return pendingSchema.parse(JSON.parse(open(secretKey, pending, boundTo(owner))));
  } catch {
    return null;
  }
}
