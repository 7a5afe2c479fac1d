import { join } from 'node:path';
import { keptSecret } from '../../db/embedded/cluster';
import { makeDataDir } from '../../db/embedded/dataDir';
import { type Lock, LockedError, takeLock } from '../../db/embedded/lock';
import { type Id, newId } from '../../db/ids';

/** In the data directory: where the console of the gateway answers on this machine. Read by the command line. */
export const CONSOLE_URL_FILE = 'console-url';

export interface DataDir {
  path: string;
  /** Names this gateway in the store for as long as the directory lives: what it left open when it was killed, it closes. */
  gatewayId: Id<'gw'>;
  lock: Lock;
}

/** Opens the data directory for this process alone. @throws when another gateway uses it. */
export function openDataDir(path: string): DataDir {
  const dataDir = makeDataDir(path);
  let lock: Lock;
  try {
    lock = takeLock(join(dataDir, 'gatehouse.lock'));
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    throw new Error(
      `${dataDir} is in use by a running gateway (process ${error.pid}); stop it, or set GATEHOUSE_DATA_DIR to another folder`,
    );
  }
  const gatewayId = keptSecret(join(dataDir, 'gateway-id'), () => newId('gw')) as Id<'gw'>;
  return { path: dataDir, gatewayId, lock };
}
