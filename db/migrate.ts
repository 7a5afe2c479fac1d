import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';

/** Any fixed number that is ours: gateways that start together on one store migrate one after the other. */
const MIGRATION_LOCK = 4_207_113_046;

/**
 * Brings the store's database up to this version: makes it when it is missing, runs the migrations that have not run, each in a transaction,
 * and makes the one row of `policy_state`. Safe to run from several gateways at once, and again.
 *
 * @throws with what to do when the database cannot be reached, or was migrated by a newer version
 */
export async function migrateStore(url: string): Promise<void> {
  await makeDatabase(url);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, application_name: 'gatehouse migrate' });
  await client.connect();
  try {
    await client.query('SET client_min_messages = warning');
    // A session lock: it is released when this connection ends, so a gateway that dies here blocks nobody.
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await migrate(drizzle(client), { migrationsFolder: migrationsFolder() });
    await client.query('INSERT INTO policy_state (id, version) VALUES (1, 1) ON CONFLICT (id) DO NOTHING');
  } finally {
    await client.end();
  }
}

/** Beside this file in a checkout; one folder up from `dist/` in a bundle. */
function migrationsFolder(): string {
  const candidates = ['./migrations', '../db/migrations'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const found = candidates.find((path) => existsSync(`${path}/meta/_journal.json`));
  if (found === undefined) throw new Error(`the migrations are missing (looked in ${candidates.join(' and ')})`);
  return found;
}

async function makeDatabase(url: string): Promise<void> {
  const target = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await target.connect();
    return;
  } catch (error) {
    if ((error as { code?: string }).code !== '3D000') throw error;
  } finally {
    await target.end().catch(() => undefined);
  }
  const maintenance = new URL(url);
  const name = decodeURIComponent(maintenance.pathname.slice(1));
  maintenance.pathname = '/postgres';
  const client = new pg.Client({ connectionString: maintenance.href, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const quoted = client.escapeIdentifier(name);
    // Of those who make it at once, the slower one would find the database's own row changed under it.
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query(`CREATE DATABASE ${quoted}`).catch((error: { code?: string }) => {
      // Another gateway made it first: duplicate_database.
      if (error.code !== '42P04') throw error;
    });
    // The demo role lives in the same cluster, and has no business in the store.
    await client.query(`REVOKE ALL ON DATABASE ${quoted} FROM PUBLIC`);
  } finally {
    await client.end();
  }
}
