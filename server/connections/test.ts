import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { connections } from '../../db/schema/policy';
import { open } from '../../db/secrets';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { targetOf } from './control';
import { type ConnectionDraft, connectionDraftSchema, type TestStage } from './shape';
import { runStages, type StageTarget } from './stages';

/** A stored connection by id, by name, or a draft that is not saved yet. */
export const testSchema = z.union([connectionDraftSchema, z.strictObject({ id: z.string() }), z.strictObject({ name: z.string() })]);

/** Tests a connection in stages, each with its time and what to do when it fails. Changes nothing. */
export async function testConnection({ store, actor, secretKey }: Call, input: unknown): Promise<{ stages: TestStage[] }> {
  demand(actor, 'connections:test');
  const subject = parseInput(testSchema, input);
  const byId = 'id' in subject && subject.id !== undefined ? eq(connections.id, subject.id) : undefined;
  const isDraft = 'host' in subject;
  const where = byId ?? (isDraft ? undefined : eq(connections.name, 'name' in subject ? subject.name : ''));
  const [stored] = where === undefined ? [] : await store.select().from(connections).where(where);
  if (isDraft) return { stages: await runStages(draftTarget(subject, stored, secretKey)) };
  if (stored === undefined) throw notFound('connection', 'id' in subject ? subject.id : subject.name);
  return { stages: await runStages({ ...targetOf(stored, secretKey), superuser: stored.superuser, passwordMissing: false }) };
}

function draftTarget(draft: ConnectionDraft, stored: typeof connections.$inferSelect | undefined, secretKey: Buffer): StageTarget {
  const { host, port, database, username, tls, superuser } = draft;
  const target = { host, port, database, username, tls, superuser, passwordMissing: false };
  if (draft.password !== undefined) return { ...target, password: draft.password === '' ? null : draft.password };
  if (stored?.passwordSealed == null) return { ...target, password: null };
  // A stored password goes only where it was given for: a test must not carry it to a server of someone's choosing.
  if (stored.host !== host || stored.port !== port) return { ...target, password: null, passwordMissing: true };
  return { ...target, password: open(secretKey, stored.passwordSealed, stored.id) };
}
