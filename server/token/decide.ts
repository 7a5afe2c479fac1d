import { and, eq, gt, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { deviceLogins } from '../../db/schema/identity';
import { recordAction } from '../actions/record';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { createAttempts } from '../web/attempts';
import { LOGIN_TTL_S, waitingDevice } from './device';

export const userCodeSchema = z.object({ userCode: z.string().min(1).max(40) });
export const deviceDecisionSchema = userCodeSchema.extend({ approve: z.boolean() });

/** Codes are short: whoever tries many of them is guessing. */
const attempts = createAttempts({ failures: 10, windowMs: 10 * 60_000 });

/** A program that waits for a person, as that person sees it before they say yes. */
export interface DeviceLogin {
  client: string;
  clientAddress: string;
  connections: string[] | null;
  createdAt: Date;
  /** How long the token lives, in seconds. */
  lifetimeS: number;
}

export async function getDevice(call: Call, input: unknown): Promise<DeviceLogin> {
  const { client, clientAddress, connections, createdAt } = await found(call, parseInput(userCodeSchema, input).userCode);
  return { client, clientAddress, connections, createdAt, lifetimeS: LOGIN_TTL_S };
}

/** Says yes or no to the program, once. */
export async function decideDevice(call: Call, input: unknown): Promise<{ approved: boolean }> {
  const { store, actor } = call;
  const { userCode, approve } = parseInput(deviceDecisionSchema, input);
  const login = await found(call, userCode);
  return store.transaction(async (tx) => {
    const decided = await tx
      .update(deviceLogins)
      .set({ decision: approve ? 'approved' : 'denied', principalId: actor.id })
      .where(and(eq(deviceLogins.id, login.id), isNull(deviceLogins.decision), gt(deviceLogins.expiresAt, new Date())))
      .returning({ id: deviceLogins.id });
    if (decided.length === 0) throw notWaiting();
    const after = { client: login.client, from: login.clientAddress, connections: login.connections };
    await recordAction(tx, actor, { action: approve ? 'device.approve' : 'device.deny', subject: actor.name, after });
    return { approved: approve };
  });
}

async function found(call: Call, userCode: string) {
  const { actor } = call;
  demand(actor, 'me:read');
  // A token that could make tokens would outlive its own end.
  if (actor.via !== 'console' || actor.id === null) throw new ServiceError('FORBIDDEN', 'a person says yes to this in the console');
  const waitS = attempts.blocked(actor.id, Date.now());
  if (waitS !== null) throw new ServiceError('CONFLICT', `too many wrong codes; try again in ${Math.ceil(waitS / 60)} minutes`);
  const login = await waitingDevice(call, userCode, new Date());
  if (login !== undefined) return login;
  attempts.failed(actor.id, Date.now());
  throw notWaiting();
}

const notWaiting = () =>
  new ServiceError('NOT_FOUND', 'no program waits with this code: it is mistyped, was used, or its ten minutes have passed');
