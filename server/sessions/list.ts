import { and, isNull, lt } from 'drizzle-orm';
import { sessions } from '../../db/schema/audit';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { ownSessions } from '../identity/scope';
import { parseInput } from '../input';
import { readSessions } from './read';
import { type SessionRow, sessionsListSchema } from './shape';

export async function listSessions(call: Call, input: unknown): Promise<{ items: SessionRow[]; nextCursor: string | null }> {
  const { actor } = call;
  demand(actor, 'sessions:own');
  const { state, limit, cursor } = parseInput(sessionsListSchema, input ?? {});
  const open = state === 'open' ? isNull(sessions.endedAt) : undefined;
  const after = cursor == null ? undefined : lt(sessions.id, cursor);
  const rows = await readSessions(call, and(ownSessions(actor), open, after), limit + 1);
  const items = rows.slice(0, limit);
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}
