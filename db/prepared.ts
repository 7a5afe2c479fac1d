import type { StoreHandle } from './store';

/**
 * A statement that is built once for each store, not at each use: building costs more than running it does. Give it a name in
 * `.prepare(name)`, and each connection parses it once too.
 */
export function prepared<T>(build: (store: StoreHandle) => T): (store: StoreHandle) => T {
  const built = new WeakMap<StoreHandle, T>();
  return (store) => {
    const known = built.get(store);
    if (known !== undefined) return known;
    const made = build(store);
    built.set(store, made);
    return made;
  };
}
