import { and, asc, eq, ne } from 'drizzle-orm';
import { secretKeys } from '../../db/schema/secretKeys';
import { keyId, knowDataKeys, open, sealWith } from '../../db/secrets';
import type { StoreHandle } from '../../db/store';

export const ROOT = 'root';

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

/** Makes data keys that came meanwhile known to this process; their ids, oldest first. */
export async function readDataKeys(store: StoreHandle, operatorKey: Buffer, root: Buffer): Promise<string[]> {
  const rows = await store
    .select()
    .from(secretKeys)
    .where(and(ne(secretKeys.id, ROOT), eq(secretKeys.wrappedBy, keyId(operatorKey))))
    .orderBy(asc(secretKeys.createdAt));
  knowDataKeys(
    root,
    rows.map((row) => unwrap(operatorKey, row)),
  );
  return rows.map((row) => row.id);
}
