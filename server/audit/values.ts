import type { Store } from '../../db/store';
import type { SealedValues } from '../../proxy/record/leaf';
import { createValueOpener, type ValueOpener } from '../../proxy/record/valueKeys';

/** Opens the values of recorded statements for who may read them. */
export interface ValueReader {
  /** By field; what is no text is JSON. Null: erased. @throws Error when they are not as they were written */
  open(sealed: SealedValues): Promise<Record<string, string> | null>;
}

/** Keys are remembered for seconds, one memory a store: an erasure is complete within 5 s on every gateway. */
const openers = new WeakMap<Store, ValueOpener>();

export function createValueReader(options: { store: Store; secretKey: Buffer }): ValueReader {
  const opener = openers.get(options.store) ?? createValueOpener(options);
  openers.set(options.store, opener);
  return {
    async open(sealed) {
      const opened = await opener.open(sealed);
      return opened === null ? null : Object.fromEntries(Object.entries(opened).map(([name, [, value]]) => [name, value]));
    },
  };
}

/** After an erasure by this process: it is complete here at once. */
export const forgetValueKeys = (store: Store): void => openers.get(store)?.forget();
