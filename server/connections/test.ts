import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { connections } from '../../db/schema/policy';
import { openTlsKey } from '../../proxy/upstream/endpoint';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { targetOf } from './control';
import { keptPasswordIssue } from './keptPassword';
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
  return { stages: await runStages({ ...targetOf(stored, secretKey), superuser: stored.superuser, passwordMissing: null }) };
}

/** A stored credential goes only where it was given for: a test must not carry it to a server of someone's choosing. */
function draftTarget(draft: ConnectionDraft, stored: typeof connections.$inferSelect | undefined, secretKey: Buffer): StageTarget {
  const { host, port, database, username, superuser, password: given } = draft;
  demandTlsKey(draft, stored, secretKey);
  const issue = given === undefined ? keptPasswordIssue(stored, draft) : null;
  const kept = given === undefined && issue === null && stored !== undefined ? targetOf(stored, secretKey) : null;
  const keepsKey = draft.tlsCertificate !== null && draft.tlsKey === undefined && stored?.tlsKeySealed != null;
  return {
    host,
    port,
    database,
    username,
    superuser,
    password: typeof given === 'string' ? given || null : (kept?.password ?? null),
    tls: {
      mode: draft.tls,
      negotiation: draft.tlsNegotiation,
      ca: draft.tlsCa,
      certificate: draft.tlsCertificate,
      key: keepsKey ? openTlsKey(secretKey, stored.tlsKeySealed ?? '', stored.id) : (draft.tlsKey ?? null),
    },
    passwordFrom: typeof given === 'object' ? given : (kept?.passwordFrom ?? null),
    passwordMissing: issue,
  };
}
