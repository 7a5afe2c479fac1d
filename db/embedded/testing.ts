import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbedded } from './start';

export interface TestDatabase {
  /** A superuser's URL to the fresh database. */
  url: string;
  database: string;
  host: string;
  port: number;
  /** The same database, signed in to as another role. */
  urlAs(role: string, password: string): string;
  drop(): Promise<void>;
}

/** Set by {@link shareAcrossFiles}: all test files of one run then use one cluster. */
const SHARED = 'GATEHOUSE_TEST_POSTGRES';
let own: Promise<EmbeddedPostgres> | undefined;
let count = 0;

/** A fresh, empty database on a real PostgreSQL 18 that is started once and thrown away when the process ends. */
export async function withPostgres(): Promise<TestDatabase> {
  const admin = process.env[SHARED] ?? (await throwawayCluster()).adminUrl('postgres');
  const database = `test_${process.pid}_${Date.now().toString(36)}_${++count}`;
  await run(admin, `CREATE DATABASE ${database}`);
  const base = new URL(admin);
  base.pathname = `/${database}`;
  return {
    url: base.href,
    database,
    host: base.hostname,
    port: Number(base.port),
    urlAs(role, password) {
      const url = new URL(base);
      url.username = encodeURIComponent(role);
      url.password = encodeURIComponent(password);
      return url.href;
    },
    drop: () => run(admin, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`),
  };
}

/** Vitest's globalSetup: `globalSetup: ['db/embedded/testing.ts']` starts the one cluster before the first file. */
export default async function shareAcrossFiles(): Promise<() => Promise<void>> {
  const cluster = await throwawayCluster();
  process.env[SHARED] = cluster.adminUrl('postgres');
  return async () => {
    delete process.env[SHARED];
    await cluster.stop();
  };
}

function throwawayCluster(): Promise<EmbeddedPostgres> {
  own ??= startThrowaway();
  return own;
}

async function startThrowaway(): Promise<EmbeddedPostgres> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  if (process.getuid?.() === 0) chmodSync(dataDir, 0o711);
  const cluster = await startEmbedded({ dataDir, throwaway: true });
  removeAfter(cluster.pid, dataDir);
  return cluster;
}

/** A shell that waits for this process to end (its stdin closes) and for the server to stop, then removes the directory. */
function removeAfter(pid: number, directory: string): void {
  const script = 'cat >/dev/null; while kill -0 "$1" 2>/dev/null; do sleep 0.1; done; rm -rf -- "$2"';
  const child = spawn('/bin/sh', ['-c', script, 'gatehouse-test-cleanup', String(pid), directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
