import { z } from 'zod';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { parseInput } from '../input';
import { getRuntime } from '../runtime';
import { listConnections } from './list';
import type { Reach } from './shape';

/** Absent: the only connection that whoever asks may use. */
export const reachSchema = z.object({ connection: z.string().min(1).max(63).optional() });

/**
 * Where and as whom a client connects to reach a connection; the password is an access token of that principal.
 * @param limit the connections that the token which asks is for; null: all that its principal may
 */
export async function reachConnection(call: Call, input: unknown, limit: readonly string[] | null = null): Promise<Reach> {
  const { connection } = parseInput(reachSchema, input);
  const names = (await listConnections(call)).map(({ name }) => name).filter((name) => limit === null || limit.includes(name));
  const [database, ...others] = connection === undefined ? names : names.filter((name) => name === connection);
  if (database === undefined) throw notFound('connection', connection ?? 'that you may use');
  if (others.length > 0) throw new ServiceError('INVALID', `connection: name one of ${names.join(', ')}`);
  const { proxyHost = '127.0.0.1', proxyPort = 6432 } = getRuntime();
  return { host: proxyHost, port: proxyPort, database, user: call.actor.name };
}
