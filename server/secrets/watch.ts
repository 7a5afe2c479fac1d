import { writeKeys } from '../../db/secrets';
import type { Store } from '../../db/store';
import { log } from '../log';
import { READ_EVERY_MS, readDataKeys } from './storeKeys';

export interface SecretKeysWatch {
  /** Reads now, and tells the gateway's other processes. */
  read(): Promise<void>;
  stop(): void;
}

/** Follows the store's data keys: another gateway, or this one, may have rotated them. `tell` gives them to workers and recorder. */
export function watchSecretKeys(options: {
  store: Store;
  operatorKey: () => Buffer;
  secretKey: Buffer;
  tell(keys: string): void;
}): SecretKeysWatch {
  const { store, secretKey } = options;
  let known = writeKeys(secretKey);
  const read = async () => {
    await readDataKeys(store, options.operatorKey(), secretKey);
    const keys = writeKeys(secretKey);
    if (keys === known) return;
    known = keys;
    options.tell(keys);
  };
  const timer = setInterval(() => {
    void read().catch((err: unknown) => log.warn({ err }, 'the keys of the store could not be read'));
  }, READ_EVERY_MS);
  timer.unref();
  return { read, stop: () => clearInterval(timer) };
}
