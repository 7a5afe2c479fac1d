import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { serverAccount } from './account';
import { findBinaries } from './binaries';
import { makeCluster, SUPERUSER, superuserPassword } from './cluster';
import { makeDataDir } from './dataDir';
import { chooseHome, forgetOrphanedCluster, readRecord, writeRecord } from './home';
import { LockedError, takeLock } from './lock';
import { stopLeftover } from './postmaster';
import { freePort, type RunningServer, runServer } from './run';

export interface EmbeddedPostgres {
  host: string;
  port: number;
  /** The server process. */
  pid: number;
  /** Where the cluster's files are. */
  cluster: string;
  /** A superuser's connection URL; for the store and for making databases, never for a client. */
  adminUrl(database: string): string;
  /** Resolves when the server is gone, asked or not. */
  exited: Promise<void>;
  /** Fast shutdown; afterwards nothing runs and nothing is locked. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';

/**
 * Starts the embedded PostgreSQL of a data directory, making its cluster the first time. Recovers from whatever a killed start left: a
 * half-made cluster, a stale postmaster.pid, a server still running. A second start on the same directory is refused.
 * The server stops when this process ends, in whatever way.
 *
 * @param options.throwaway no fsync: only for data that nobody will miss
 * @throws with words for the operator: no build for this platform, directory in use, and the end of the server's log
 */
export async function startEmbedded(options: {
  dataDir: string;
  log?: (line: string) => void;
  throwaway?: boolean;
}): Promise<EmbeddedPostgres> {
  const dataDir = makeDataDir(options.dataDir);
  const log = options.log ?? (() => undefined);
  const lock = lockDataDir(dataDir);
  try {
    const account = serverAccount();
    const binaries = findBinaries(account);
    const home = chooseHome(dataDir, account);
    const cluster = join(home, 'cluster');
    await stopLeftover(cluster, log);
    forgetOrphanedCluster(dataDir, home, cluster);
    const remembered = readRecord(dataDir)?.port ?? null;
    const elsewhere = home === dataDir ? null : home;
    if (remembered === null) writeRecord(dataDir, { elsewhere, port: null });
    const password = superuserPassword(dataDir);
    if (!existsSync(cluster)) log('making the embedded PostgreSQL cluster');
    const throwaway = options.throwaway === true;
    await makeCluster({ cluster, password, account, binaries, fast: throwaway });
    const { server, port } = await runOnFreePort(remembered, (port) =>
      runServer({
        postgres: binaries.postgres,
        cluster,
        port,
        account,
        logFile: join(dataDir, 'postgresql.log'),
        settings: throwaway ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {},
      }),
    );
    writeRecord(dataDir, { elsewhere, port });
    return {
      host: HOST,
      port,
      pid: server.pid,
      cluster,
      adminUrl: (database) => `postgres://${SUPERUSER}:${password}@${HOST}:${port}/${encodeURIComponent(database)}`,
      exited: server.exited,
      async stop() {
        await server.stop();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function lockDataDir(dataDir: string) {
  try {
    return takeLock(join(dataDir, 'embedded.lock'));
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    throw new Error(
      `the embedded PostgreSQL of ${dataDir} is in use by process ${error.pid}; stop it, or choose another GATEHOUSE_DATA_DIR`,
    );
  }
}

/** Between finding a port free and PostgreSQL binding it, someone else may take it; and memory of a killed server frees up late. */
async function runOnFreePort(
  remembered: number | null,
  run: (port: number) => Promise<RunningServer>,
): Promise<{ server: RunningServer; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(attempt === 1 ? remembered : null);
    try {
      return { server: await run(port), port };
    } catch (error) {
      const passing = /could not bind|could not create any TCP|pre-existing shared memory/.test((error as Error).message);
      if (!passing || attempt === 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300 * attempt));
    }
  }
}
