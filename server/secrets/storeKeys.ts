import { and, asc, eq, ne, sql } from 'drizzle-orm';
import { secretKeys } from '../../db/schema/secretKeys';
import { keyId, knowDataKeys, open, sealingKey, sealWith } from '../../db/secrets';
import type { StoreHandle } from '../../db/store';

export const ROOT = 'root';

/** Every gateway reads the keys this often; a new one seals when each has read twice. */
export const READ_EVERY_MS = 2_000;
const SETTLED_AFTER_MS = 2 * READ_EVERY_MS;

export const wrap = (operatorKey: Buffer, id: string, key: Buffer): { id: string; wrappedBy: string; wrapped: string } => ({
  id,
  wrappedBy: keyId(operatorKey),
  wrapped: sealWith(operatorKey, key.toString('base64'), `secret key ${id}`),
});

export const unwrap = (operatorKey: Buffer, row: { id: string; wrapped: string }): Buffer =>
  Buffer.from(open(operatorKey, row.wrapped, `secret key ${row.id}`), 'base64');

export const wrapRoot = (operatorKey: Buffer, root: Buffer) => wrap(operatorKey, ROOT, root);

/**
 * The root key of a store, with its data keys known to this process from here on. Before the first rotation that is the operator's key itself.
 * @throws in words for the operator when the store is opened by other keys only
 */
export async function openSecretKeys(store: StoreHandle, operatorKey: Buffer): Promise<Buffer> {
  const rows = await store.select().from(secretKeys).where(eq(secretKeys.id, ROOT));
  if (rows.length === 0) return operatorKey;
  const own = rows.find((row) => row.wrappedBy === keyId(operatorKey));
  if (own === undefined)
    throw new Error(
      `the key ${keyId(operatorKey)} does not open this store; it is opened by ${rows.map((row) => row.wrappedBy).join(', ')}. Set GATEHOUSE_SECRET_KEY, or its file or command, to the key of the last rotation`,
    );
  const root = unwrap(operatorKey, own);
  await readDataKeys(store, operatorKey, root);
  return root;
}

/**
 * Makes data keys that came meanwhile known to this process. A new one is known for a while before it seals, so that every gateway on the store
 * opens what any of them seals with it.
 */
export async function readDataKeys(store: StoreHandle, operatorKey: Buffer, root: Buffer): Promise<void> {
  const rows = await store
    .select({
      id: secretKeys.id,
      wrapped: secretKeys.wrapped,
      settled: sql<boolean>`created_at < now() - make_interval(secs => ${SETTLED_AFTER_MS / 1_000})`,
    })
    .from(secretKeys)
    .where(and(ne(secretKeys.id, ROOT), eq(secretKeys.wrappedBy, keyId(operatorKey))))
    .orderBy(asc(secretKeys.createdAt));
  if (rows.length === 0) return;
  const now = keyId(sealingKey(root));
  const sealing = rows.findLast((row) => row.settled || row.id === now);
  knowDataKeys(root, [
    ...rows.filter((row) => row !== sealing).map((row) => unwrap(operatorKey, row)),
    sealing === undefined ? root : unwrap(operatorKey, sealing),
  ]);
}
