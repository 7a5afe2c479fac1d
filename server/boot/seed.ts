import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { and, eq } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import { connections } from '../../db/schema/policy';
import { open, seal } from '../../db/secrets';
import type { Store } from '../../db/store';
import { movePolicyVersion, recordAction } from '../actions/record';
import { systemActor } from '../identity/actor';
import { applyPolicy } from '../policy/apply';
import { checkoutRoot } from './checkout';
import type { DemoUpstream } from './store';

/** The local administrator's name. */
export const ADMIN = 'admin';
export const DEMO_AGENT = 'support-bot';
export const DEMO_CONNECTION = 'shop';

/** Gives a store that has no principals its first policy, by the same verb as `gatehouse apply`. Later starts change nothing. */
export async function seedPolicy(store: Store, secretKey: Buffer, demo: DemoUpstream | null): Promise<boolean> {
  const [anyone] = await store.select({ id: principals.id }).from(principals).limit(1);
  if (anyone !== undefined) return false;
  const yaml = readFileSync(join(checkoutRoot(), 'deploy/policies', demo === null ? 'first.yaml' : 'demo.yaml'), 'utf8');
  const env = demo === null ? {} : { SHOP_HOST: demo.host, SHOP_PORT: String(demo.port), SHOP_PASSWORD: demo.password };
  await applyPolicy(store, { yaml, env, dryRun: false, actor: systemActor, secretKey });
  return true;
}

/**
 * Keeps the demo connection pointing at the embedded PostgreSQL: its port is another when the last one was taken meanwhile.
 * A connection that was renamed, or points somewhere else, is somebody's own and left alone.
 */
export async function refreshDemoConnection(store: Store, secretKey: Buffer, demo: DemoUpstream): Promise<void> {
  await store.transaction(async (tx) => {
    const [row] = await tx
      .select()
      .from(connections)
      .where(and(eq(connections.name, DEMO_CONNECTION), eq(connections.host, demo.host), eq(connections.database, demo.database)));
    if (row === undefined || (row.port === demo.port && opensTo(secretKey, row, demo.password))) return;
    const version = await movePolicyVersion(tx);
    await tx
      .update(connections)
      .set({ port: demo.port, passwordSealed: seal(secretKey, demo.password, row.id), updatedAt: new Date() })
      .where(eq(connections.id, row.id));
    await recordAction(tx, systemActor, {
      action: 'connection.update',
      subject: row.name,
      before: { port: row.port },
      after: { port: demo.port, policyVersion: version },
    });
  });
}

function opensTo(secretKey: Buffer, row: { id: string; passwordSealed: string | null }, password: string): boolean {
  try {
    return row.passwordSealed !== null && open(secretKey, row.passwordSealed, row.id) === password;
  } catch {
    return false;
  }
}
