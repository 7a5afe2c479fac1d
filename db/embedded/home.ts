import { createHash } from 'node:crypto';
import { chownSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Account, canEnter } from './account';
import { sharedFolder } from './binaries';
import { writePrivately } from './cluster';

/** What a data directory remembers of its embedded PostgreSQL. */
export interface EmbeddedRecord {
  /** The folder that holds the cluster where that is not the data directory; null where it is, so that the directory can be moved. */
  elsewhere: string | null;
  /** Used again when it is free, so that connection strings written down keep working. */
  port: number | null;
}

export function recordPath(dataDir: string): string {
  return join(dataDir, 'embedded.json');
}

export function readRecord(dataDir: string): EmbeddedRecord | null {
  if (!existsSync(recordPath(dataDir))) return null;
  return JSON.parse(readFileSync(recordPath(dataDir), 'utf8')) as EmbeddedRecord;
}

export function writeRecord(dataDir: string, record: EmbeddedRecord): void {
  writePrivately(recordPath(dataDir), JSON.stringify(record));
}

/**
 * Where the cluster of this data directory lives. The data directory itself where the server's account can enter it; otherwise (root with
 * a private home folder) a folder of that account elsewhere, the same one every time.
 */
export function chooseHome(dataDir: string, account: Account | null): string {
  const elsewhere = readRecord(dataDir)?.elsewhere ?? null;
  if (elsewhere !== null) {
    if (!existsSync(elsewhere)) {
      throw new Error(
        `the cluster of ${dataDir} was in ${elsewhere}, which is gone; remove ${dataDir} to start anew, or put the folder back`,
      );
    }
    if (canEnter(account, elsewhere)) return elsewhere;
    throw new Error(
      `the cluster is in ${elsewhere}, which ${account === null ? 'this account' : `the account ${account.name}`} cannot enter`,
    );
  }
  if (canEnter(account, dataDir)) return dataDir;
  if (account === null) throw new Error(`${dataDir} cannot be entered`);
  if (existsSync(join(dataDir, 'cluster'))) {
    throw new Error(
      `${dataDir} holds a cluster that the account ${account.name} cannot enter; let others pass through the folders above it (chmod o+x)`,
    );
  }
  const key = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 16);
  const home = join(sharedFolder(), `gatehouse-cluster-${key}`);
  const stat = lstatSync(home, { throwIfNoEntry: false });
  if (stat !== undefined) {
    if (!stat.isDirectory() || stat.uid !== account.uid || (stat.mode & 0o077) !== 0) {
      throw new Error(`${home} is not a private folder of the account ${account.name}; remove it and start again`);
    }
    return home;
  }
  mkdirSync(home, { mode: 0o700 });
  chownSync(home, account.uid, account.gid);
  return home;
}

/** A cluster elsewhere that this data directory does not remember belonged to one that was removed: its password is gone with it. */
export function forgetOrphanedCluster(dataDir: string, home: string, cluster: string): void {
  if (home !== dataDir && readRecord(dataDir) === null) rmSync(cluster, { recursive: true, force: true });
}
