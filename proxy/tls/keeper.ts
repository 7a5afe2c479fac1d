import { readFileSync, statSync } from 'node:fs';
import { readServerIdentity, type ServerIdentity } from './identity';

/** The certificate in use, followed on disk. Sessions keep what they began with. */
export interface TlsKeeper {
  current(): ServerIdentity;
  close(): void;
}

export interface TlsKeeperOptions {
  certPath: string;
  keyPath: string;
  pollMs: number;
  onLoaded(identity: ServerIdentity): void;
  /** The files changed and cannot be used; the ones before stay in use. Said once a change. */
  onBroken(reason: string): void;
}

/**
 * Looks at the files by name, so that a swapped symbolic link is a change too.
 * @throws when certificate and key cannot be used now
 */
export function openTlsKeeper(options: TlsKeeperOptions): TlsKeeper {
  const { certPath, keyPath, onLoaded, onBroken } = options;
  const load = () => readServerIdentity(readFileSync(certPath), readFileSync(keyPath));
  // Taken before the files are read: what changes in between is read again.
  let seen = signatures(options);
  let identity = load();
  onLoaded(identity);

  const look = () => {
    const now = signatures(options);
    if (now === seen) return;
    seen = now;
    try {
      identity = load();
    } catch (error) {
      return onBroken(reasonOf(error));
    }
    onLoaded(identity);
  };
  const timer = setInterval(look, options.pollMs);
  timer.unref();
  return { current: () => identity, close: () => clearInterval(timer) };
}

/** What changes when a file is written or replaced. A file that is not there has a signature as well. */
function signatures({ certPath, keyPath }: Pick<TlsKeeperOptions, 'certPath' | 'keyPath'>): string {
  return [certPath, keyPath]
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found === undefined ? 'missing' : [found.dev, found.ino, found.size, found.mtimeMs, found.ctimeMs].join(':');
    })
    .join(' ');
}

/** Of a file that cannot be read, the code and not the path: the operator knows which, and the log stays short. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? `a file cannot be read (${error.code})` : error.message;
}
