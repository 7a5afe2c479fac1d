import { chmodSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a data directory where there is none and returns its real path. It is private to its owner; as root others may pass through it
 * (not list it), because the account of the embedded PostgreSQL has to. Folders above it keep the ordinary mode.
 */
export function makeDataDir(path: string): string {
  const dataDir = resolve(path);
  if (!existsSync(dataDir)) {
    mkdirSync(dirname(dataDir), { recursive: true });
    mkdirSync(dataDir);
    chmodSync(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700);
  }
  return realpathSync(dataDir);
}
