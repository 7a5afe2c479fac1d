import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { eq, sql } from 'drizzle-orm';
import pg from 'pg';
import { nodes } from '../../db/schema/record';
import type { Store } from '../../db/store';
import { keepNodeName, openCheckpointKey } from '../../proxy/record/checkpointFile';
import { recordDirectory } from '../../proxy/record/segments';

export interface NodeLease {
  name: string;
  /** Resolves, with words for the operator, when another gateway has taken the name while the store was out of reach. */
  lost: Promise<string>;
  release(): Promise<void>;
}

interface Wanted {
  url: string;
  store: Store;
  dataDir: string;
  /** Null: the gateway's id. */
  name: string | null;
  gatewayId: string;
  /** What operators say that its console is called; null: nothing. */
  consoleUrl: string | null;
  secretKey: Buffer;
}

/** A gateway that was just killed holds its name until the store has noticed. */
const PATIENCE_MS = 4_000;
const LOOK_EVERY_MS = 200;
const RETAKE_EVERY_MS = 1_000;

/**
 * Takes the name of this gateway's record for this process alone, for as long as it runs: a lock of the store's, held by a connection that
 * does nothing else, and a row that says whose the name is.
 * @throws Error that says what to do: another gateway has the name, or the store knows another record under it
 */
export async function takeNode(wanted: Wanted): Promise<NodeLease> {
  mkdirSync(recordDirectory(wanted.dataDir), { recursive: true, mode: 0o700 });
  const name = keepNodeName(wanted.dataDir, wanted.name ?? wanted.gatewayId);
  const signer = openCheckpointKey(wanted.dataDir, name, wanted.secretKey);
  let holder = await lockPatiently(wanted.url, name);
  if (holder === null) throw await takenError(wanted.store, name);
  try {
    await writeRow(wanted, name, signer.text);
  } catch (error) {
    await holder.end().catch(() => undefined);
    throw error;
  }

  let released = false;
  let timer: NodeJS.Timeout | undefined;
  let lose: (why: string) => void = () => undefined;
  const lost = new Promise<string>((resolve) => {
    lose = resolve;
  });
  const watch = (client: pg.Client) => {
    let gone = false;
    const onGone = () => {
      if (gone || released) return;
      gone = true;
      timer = setTimeout(() => void retake(), RETAKE_EVERY_MS);
    };
    client.on('error', onGone);
    client.on('end', onGone);
  };
  const retake = async () => {
    if (released) return;
    const next = await lock(wanted.url, name).catch(() => 'away' as const);
    if (next === null) return lose(takenWords(name, null));
    if (next === 'away' || released) {
      if (next !== 'away') await next.end().catch(() => undefined);
      timer = setTimeout(() => void retake(), RETAKE_EVERY_MS);
      return;
    }
    holder = next;
    watch(next);
  };
  watch(holder);
  return {
    name,
    lost,
    async release() {
      released = true;
      clearTimeout(timer);
      await holder?.end().catch(() => undefined);
    },
  };
}

async function lockPatiently(url: string, name: string): Promise<pg.Client | null> {
  for (const until = Date.now() + PATIENCE_MS; ; ) {
    const client = await lock(url, name);
    if (client !== null || Date.now() > until) return client;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** A connection that holds the lock of a name; null where another one does. @throws when the store does not answer */
async function lock(url: string, name: string): Promise<pg.Client | null> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: `gatehouse node ${name}`,
    keepAlive: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  // Two halves, so that no other advisory lock of the store's can be this one.
  const key = createHash('sha256').update(`gatehouse node ${name}`).digest();
  const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', [
    key.readInt32BE(0),
    key.readInt32BE(4),
  ]);
  if (rows[0]?.taken === true) return client;
  await client.end();
  return null;
}

async function takenError(store: Store, name: string): Promise<Error> {
  const [row] = await store.select().from(nodes).where(eq(nodes.name, name));
  return new Error(takenWords(name, row?.gatewayId ?? null));
}

const takenWords = (name: string, gatewayId: string | null): string =>
  `another gateway on this store is called ${name}${gatewayId === null ? '' : ` (${gatewayId})`}: set GATEHOUSE_NODE to a name of its own for each gateway, or unset it, and give each its own GATEHOUSE_DATA_DIR`;

/** The row says whose the name is, for good: who comes later with another key is another log. */
async function writeRow({ store, gatewayId, consoleUrl }: Wanted, name: string, publicKey: string): Promise<void> {
  await store.insert(nodes).values({ name, gatewayId, publicKey }).onConflictDoNothing();
  const [row] = await store
    .update(nodes)
    .set({ gatewayId, consoleUrl, seenAt: sql`now()` })
    .where(sql`${nodes.name} = ${name} and ${nodes.publicKey} = ${publicKey}`)
    .returning();
  if (row !== undefined) return;
  throw new Error(
    `the store knows the record ${name} by another key than the one in this data directory: the directory is new, or the store was restored from elsewhere. Put the record's own data directory back (its folder record), or set GATEHOUSE_NODE to a name that was never used to begin a new record`,
  );
}
