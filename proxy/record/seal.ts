import { createCipheriv, createDecipheriv } from 'node:crypto';
import { commitmentOf } from '../tlog/commitment';
import type { NewLeaf } from './appendLog';
import type { Leaf, RecordEntry, SealedValues } from './leaf';
import { VALUE_FIELDS } from './leaf';
import { wordsOf } from './words';

const NO_WORDS = Buffer.alloc(0);
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SALT_BYTES = 16;

/** Seals what one principal sent on one day. */
export interface ValueKey {
  id: string;
  /** 32 bytes */
  key: Buffer;
}

export interface SealOptions {
  node: string;
  /** Null for what the recorder itself says. */
  journal: { name: string; seq: number | null } | null;
  /** For entries that hold what a client sent (see `VALUE_FIELDS`). */
  valueKey: ValueKey | null;
  wordKey: Buffer;
  /** So many bytes that nobody can foresee. */
  random(sizeBytes: number): Buffer;
}

/**
 * An entry as a leaf of the log. What a client sent is lifted out of it: a commitment stands in its place, and the value goes beside the leaf,
 * sealed. Nothing is in the leaf that would have to be erased.
 * @throws Error when the entry holds values and there is no key for them
 */
export function sealEntry(entry: RecordEntry, options: SealOptions): NewLeaf {
  const { values, clear } = partsOf(entry);
  const names = Object.keys(values);
  const leaf: Leaf = {
    v: 1,
    node: options.node,
    journal: options.journal?.name ?? null,
    seq: options.journal?.seq ?? null,
    entry: clear,
  };
  if (names.length === 0) return { bytes: bytesOf(leaf), values: null };
  if (options.valueKey === null) throw new Error(`an entry of type ${entry.type} holds values, and there is no key to seal them`);
  const commitments: Record<string, string> = {};
  const opened: Record<string, [string, string]> = {};
  for (const name of names) {
    const value = wellFormed(values[name] ?? '');
    const salt = options.random(SALT_BYTES);
    commitments[name] = commitmentOf(salt, name, value);
    opened[name] = [salt.toString('base64'), value];
  }
  const words = entry.type === 'statement' ? wordsOf(options.wordKey, entry) : NO_WORDS;
  return {
    bytes: bytesOf({ ...leaf, values: commitments }),
    values: { sealed: sealValues(options.valueKey, opened, options.random(NONCE_BYTES)), words },
  };
}

const bytesOf = (leaf: Leaf): Buffer => Buffer.from(JSON.stringify(leaf));

/** What is no Unicode becomes so here: UTF-8 would make two values one, and a commitment could be opened by either. */
const wellFormed = (text: string): string => (SURROGATE.test(text) ? Buffer.from(text).toString() : text);
const SURROGATE = /[\ud800-\udfff]/;

/** The fields that hold what a client sent, as text, and the entry without them. What holds nothing stays where it is. */
function partsOf(entry: RecordEntry): { values: Record<string, string>; clear: Leaf['entry'] } {
  const values: Record<string, string> = {};
  const fields: readonly string[] | undefined = VALUE_FIELDS[entry.type as keyof typeof VALUE_FIELDS];
  if (fields === undefined) return { values, clear: entry as unknown as Leaf['entry'] };
  // A copy in which they are undefined, which JSON leaves out: to build one field by field costs more than to hash it.
  const clear: Leaf['entry'] = { ...entry };
  for (const name of fields) {
    const value = clear[name];
    const holdsNothing = value == null || value === '' || (Array.isArray(value) && value.length === 0);
    if (holdsNothing) continue;
    values[name] = typeof value === 'string' ? value : JSON.stringify(value);
    clear[name] = undefined;
  }
  return { values, clear };
}

export type OpenedValues = Readonly<Record<string, readonly [salt: string, value: string]>>;

/** AES-256-GCM over JSON; the id of the key is authenticated. */
function sealValues({ id, key }: ValueKey, values: OpenedValues, nonce: Buffer): SealedValues {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(id));
  const text = cipher.update(JSON.stringify(values), 'utf8');
  // GCM has given all by now; this makes the tag.
  cipher.final();
  return { keyId: id, box: Buffer.concat([nonce, text, cipher.getAuthTag()]) };
}

/** Salts and values of a box. @throws Error when the key is another or a byte differs; the message never holds a value */
export function openValues({ keyId, box }: SealedValues, key: Buffer): OpenedValues {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(keyId));
    decipher.setAuthTag(box.subarray(-TAG_BYTES));
    const text = Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
    return JSON.parse(text) as OpenedValues;
  } catch {
    throw new Error(`values sealed with ${keyId} do not open: they, or the key, are not as they were written`);
  }
}
