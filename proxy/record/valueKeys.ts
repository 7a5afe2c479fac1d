import { randomBytes } from 'node:crypto';
import { and, eq, inArray, isNull } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { valueKeys } from '../../db/schema/record';
import { open, seal } from '../../db/secrets';
import type { Store } from '../../db/store';
import { dayOf } from '../ship/days';
import type { SealedValues } from './leaf';
import { type OpenedValues, openValues, type ValueKey } from './valueBox';

/** An erasure takes its key from the store; a process that still holds it forgets it within this time. */
const FORGET_AFTER_MS = 4_000;
const MAX_KEYS = 5_000;
/** Keys made ahead by one statement. */
const AT_ONCE = 500;
const DAY_MS = 86_400_000;

const dayBefore = (day: string): string => dayOf(Date.parse(day) - DAY_MS);

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
  /** Makes the keys of a day for those who had one the day before: it may begin while the store is away. */
  prepare(day: string): Promise<void>;
  /** After an erasure: what is sealed from now on gets a key that was not erased. */
  forget(): void;
}

export function createKeyring({ store, secretKey }: { store: Store; secretKey: Buffer }): Keyring {
  const memory = createMemory<ValueKey>(monotonicMs);
  /** While the store is away: a key that was erased meanwhile seals what nobody will ever open, which is no leak. */
  const last = new Map<string, ValueKey>();
  const remember = (name: string, key: ValueKey) => {
    last.delete(name);
    last.set(name, key);
    // A day's and those of the next; of more the longest unused go.
    if (last.size <= 2 * MAX_KEYS) return;
    const [oldest] = last.keys();
    if (oldest !== undefined) last.delete(oldest);
  };
  const keyOf = (row: typeof valueKeys.$inferSelect): ValueKey | null =>
    row.keySealed === null ? null : { id: row.id, key: Buffer.from(open(secretKey, row.keySealed, row.id), 'base64') };
  const newRow = (principalName: string, day: string) => {
    const id = newId('vky');
    return { id, principalName, day, keySealed: seal(secretKey, randomBytes(32).toString('base64'), id) };
  };
  const find = async (principalName: string, day: string): Promise<ValueKey | null> => {
    const [row] = await store
      .select()
      .from(valueKeys)
      .where(and(eq(valueKeys.principalName, principalName), eq(valueKeys.day, day), isNull(valueKeys.erasedAt)));
    return row === undefined ? null : keyOf(row);
  };
  const make = async (principalName: string, day: string): Promise<ValueKey> => {
    // Of gateways that make it at once, one does; all read what is there then.
    await store.insert(valueKeys).values(newRow(principalName, day)).onConflictDoNothing();
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
          remember(name, key);
          return key;
        } catch (error) {
          const known = last.get(name);
          if (known === undefined) throw error;
          return known;
        }
      }),
    async prepare(day) {
      const before = `${dayBefore(day)} `;
      const names = [...last.keys()].flatMap((name) => (name.startsWith(before) ? [name.slice(before.length)] : []));
      const missing = names.filter((name) => !last.has(`${day} ${name}`));
      for (let at = 0; at < missing.length; at += AT_ONCE) {
        const some = missing.slice(at, at + AT_ONCE);
        await store
          .insert(valueKeys)
          .values(some.map((name) => newRow(name, day)))
          .onConflictDoNothing();
        const made = await store
          .select()
          .from(valueKeys)
          .where(and(eq(valueKeys.day, day), inArray(valueKeys.principalName, some), isNull(valueKeys.erasedAt)));
        for (const row of made) {
          const key = keyOf(row);
          if (key !== null) remember(`${day} ${row.principalName}`, key);
        }
      }
    },
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
