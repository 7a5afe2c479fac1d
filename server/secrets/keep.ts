import type { Store } from '../../db/store';
import type { OperatorKey } from './operatorKey';
import { watchSecretKeys } from './watch';

/** Holds the operator's key for this process, and follows the keys it wraps. */
export function keepKeys(options: {
  found: { key: Buffer; replace: ((key: Buffer) => void) | null };
  store: Store;
  secretKey: Buffer;
  tell(keys: string): void;
}): { operatorKey: OperatorKey; stop(): void } {
  const { found, store, secretKey, tell } = options;
  let { key } = found;
  const watch = watchSecretKeys({ store, operatorKey: () => key, secretKey, tell });
  return {
    operatorKey: {
      current: () => key,
      keep(next) {
        key = next;
        found.replace?.(next);
        return found.replace !== null;
      },
      spread: watch.read,
    },
    stop: watch.stop,
  };
}
