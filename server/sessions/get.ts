import { eq } from 'drizzle-orm';
import { sessions } from '../../db/schema/audit';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';
import { idSchema, parseInput } from '../input';
import { readSessions } from './read';
import type { SessionRow } from './shape';

/** As many as can be counted while somebody waits. */
const MOST_COUNTED = 1_000_000;

/** A session with the number of its statements; {@link sessionStatements} reads them in windows. */
export async function getSession(call: Call, input: unknown): Promise<SessionRow> {
  demand(call.actor, 'sessions:own');
  const { id } = parseInput(idSchema, input);
  const [session] = await readSessions(call, eq(sessions.id, id), 1, MOST_COUNTED);
  if (session === undefined || !isOwn(call.actor, session)) throw notFound('session', id);
  return session;
}
