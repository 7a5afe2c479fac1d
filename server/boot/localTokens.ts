import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { writePrivately } from '../../db/embedded/cluster';
import { principals } from '../../db/schema/identity';
import type { Store } from '../../db/store';
import { principalOfToken } from '../auth/bearer';
import { createSignInLink } from '../auth/link';
import { systemActor } from '../identity/actor';
import { createToken } from '../tokens/create';
import { ADMIN, DEMO_AGENT } from './seed';

const DAY_MS = 86_400_000;

/** The local administrator's token for the command line: `<dataDir>/admin-token`, made again when it no longer holds. */
export function keepAdminToken(store: Store, dataDir: string): Promise<string | null> {
  return keepToken(store, join(dataDir, 'admin-token'), { principal: ADMIN, label: 'command line on this machine', ttlMs: 365 * DAY_MS });
}

/** The demo agent's token: `<dataDir>/demo-token`, the password in the psql line. */
export function keepDemoToken(store: Store, dataDir: string): Promise<string | null> {
  return keepToken(store, join(dataDir, 'demo-token'), { principal: DEMO_AGENT, label: 'demo', ttlMs: 30 * DAY_MS });
}

/**
 * The token in the file while it still works for that principal, else a new one. Null when there is no such principal, or it is disabled:
 * somebody took it away on purpose.
 */
async function keepToken(store: Store, path: string, draft: { principal: string; label: string; ttlMs: number }): Promise<string | null> {
  const [principal] = await store.select().from(principals).where(eq(principals.name, draft.principal));
  if (principal === undefined || principal.disabledAt !== null) return null;
  const kept = existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
  if (kept !== null && (await principalOfToken(store, kept))?.id === principal.id) return kept;
  const { secret } = await createToken({ store, actor: systemActor }, draft);
  writePrivately(path, secret);
  return secret;
}

/** A fresh one-time sign-in address for the local administrator; null when that principal is gone or disabled. */
export async function makeSignInAddress(store: Store, consoleUrl: string): Promise<string | null> {
  const [principal] = await store.select().from(principals).where(eq(principals.name, ADMIN));
  if (principal === undefined || principal.disabledAt !== null) return null;
  const { path } = await createSignInLink(store, principal.id);
  return consoleUrl + path;
}
