import { randomBytes } from 'node:crypto';
import { and, eq, isNull } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { valueKeys } from '../../db/schema/record';
import { open, seal } from '../../db/secrets';
import type { Store } from '../../db/store';
import type { SealedValues } from './leaf';
import { type OpenedValues, openValues, type ValueKey } from './seal';

/** An erasure takes its key from the store; a process that still holds it forgets it within this time. */
const FORGET_AFTER_MS = 4_000;
const MAX_KEYS = 5_000;

interface Held<T> {
  value: Promise<T>;
  atMs: number;
}

/** Remembers what was read for a few seconds; a failure is not remembered. */
function createMemory<T>(now: () => number): { get(key: string, read: () => Promise<T>): Promise<T>; clear(): void } {
  const held = new Map<string, Held<T>>();
  return {
    get(key, read) {
      const known = held.get(key);
      const nowMs = now();
      if (known !== undefined && nowMs - known.atMs < FORGET_AFTER_MS && nowMs >= known.atMs) return known.value;
      if (held.size >= MAX_KEYS) held.clear();
      const value = read();
      held.set(key, { value, atMs: nowMs });
      value.catch(() => held.delete(key));
      return value;
    },
    clear: () => held.clear(),
  };
}

const monotonicMs = () => performance.now();

/** The keys that new values are sealed with: made when the first value of a principal and day comes. */
export interface Keyring {
  keyFor(principalName: string, day: string): Promise<ValueKey>;
  /** After an erasure: what is sealed from now on gets a key that was not erased. */
  forget(): void;
}

export function createKeyring({ store, secretKey }: { store: Store; secretKey: Buffer }): Keyring {
  const memory = createMemory<ValueKey>(monotonicMs);
  /** While the store is away: a key that was erased meanwhile seals what nobody will ever open, which is no leak. */
  const last = new Map<string, ValueKey>();
  const find = async (principalName: string, day: string): Promise<ValueKey | null> => {
    const [row] = await store
      .select()
      .from(valueKeys)
      .where(and(eq(valueKeys.principalName, principalName), eq(valueKeys.day, day), isNull(valueKeys.erasedAt)));
    return row?.keySealed == null ? null : { id: row.id, key: Buffer.from(open(secretKey, row.keySealed, row.id), 'base64') };
  };
  const make = async (principalName: string, day: string): Promise<ValueKey> => {
    const id = newId('vky');
    const keySealed = seal(secretKey, randomBytes(32).toString('base64'), id);
    // Of gateways that make it at once, one does; all read what is there then.
    await store.insert(valueKeys).values({ id, principalName, day, keySealed }).onConflictDoNothing();
    const made = await find(principalName, day);
    if (made === null) throw new Error('a value key was erased while it was made');
    return made;
  };
  return {
    keyFor: (principalName, day) =>
      memory.get(`${day} ${principalName}`, async () => {
        const name = `${day} ${principalName}`;
        try {
          const key = (await find(principalName, day)) ?? (await make(principalName, day));
          if (last.size >= MAX_KEYS) last.clear();
          last.set(name, key);
          return key;
        } catch (error) {
          const known = last.get(name);
          if (known === undefined) throw error;
          return known;
        }
      }),
    forget() {
      memory.clear();
      last.clear();
    },
  };
}

/** Opens what was recorded. */
export interface ValueOpener {
  /** Salts and values; null once they are erased. @throws Error when a box is not as it was written */
  open(sealed: SealedValues): Promise<OpenedValues | null>;
  forget(): void;
}

export function createValueOpener({ store, secretKey }: { store: Store; secretKey: Buffer }): ValueOpener {
  const memory = createMemory<Buffer | null>(monotonicMs);
  const read = async (id: string): Promise<Buffer | null> => {
    const [row] = await store.select({ keySealed: valueKeys.keySealed }).from(valueKeys).where(eq(valueKeys.id, id));
    return row?.keySealed == null ? null : Buffer.from(open(secretKey, row.keySealed, id), 'base64');
  };
  return {
    async open(sealed) {
      const key = await memory.get(sealed.keyId, () => read(sealed.keyId));
      return key === null ? null : openValues(sealed, key);
    },
    forget: () => memory.clear(),
  };
}
