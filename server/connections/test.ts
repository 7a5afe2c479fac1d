import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { connections } from '../../db/schema/policy';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { targetOf } from './control';
import { type ConnectionDraft, connectionDraftSchema, type TestStage } from './shape';
import { runStages, type StageTarget } from './stages';
import { demandTlsKey } from './tlsFields';

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

/** A stored credential goes only where it was given for: a test must not carry it to a server of someone's choosing. */
function draftTarget(draft: ConnectionDraft, stored: typeof connections.$inferSelect | undefined, secretKey: Buffer): StageTarget {
  const { host, port, database, username, superuser } = draft;
  demandTlsKey(draft, stored, secretKey);
  const moved = stored !== undefined && (stored.host !== host || stored.port !== port);
  const keepsPassword = draft.password === undefined && stored?.passwordSealed != null;
  const keepsKey = draft.tlsCertificate !== null && draft.tlsKey === undefined && stored?.tlsKeySealed != null;
  const kept = stored === undefined || moved ? null : targetOf(stored, secretKey);
  return {
    host,
    port,
    database,
    username,
    superuser,
    password: keepsPassword ? (kept?.password ?? null) : draft.password || null,
    tls: {
      mode: draft.tls,
      negotiation: draft.tlsNegotiation,
      ca: draft.tlsCa,
      certificate: draft.tlsCertificate,
      key: keepsKey ? (kept?.tls.key ?? null) : (draft.tlsKey ?? null),
    },
    passwordFrom: draft.password === undefined && !moved ? (stored?.passwordFrom ?? null) : null,
    passwordMissing: moved && (keepsPassword || (draft.password === undefined && stored?.passwordFrom != null)),
  };
}
