import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { StatementEntry } from '../journal/entries';
import { commitmentOf } from '../tlog/commitment';
import type { NewLeaf } from './group';
import type { RecordEntry, SealedValues } from './leaf';
import { VALUE_FIELDS } from './leaf';
import { holdsNothing, type LeafPlace, leafText } from './leafText';
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

export interface SealOptions extends LeafPlace {
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
  const values = valuesOf(entry);
  if (values.length === 0) return { text: leafText(entry, options, null), values: null };
  if (options.valueKey === null) throw new Error(`an entry of type ${entry.type} holds values, and there is no key to seal them`);
  const salts = options.random(SALT_BYTES * values.length);
  let [commitments, opened] = ['', ''];
  for (const [at, { name, text }] of values.entries()) {
    const salt = salts.subarray(at * SALT_BYTES, (at + 1) * SALT_BYTES);
    const value = wellFormed(text);
    commitments += `${at === 0 ? '{' : ','}"${name}":"${commitmentOf(salt, name, value)}"`;
    opened += `${at === 0 ? '{' : ','}"${name}":["${salt.toString('base64')}",${JSON.stringify(value)}]`;
  }
  const words = entry.type === 'statement' ? wordsOf(options.wordKey, entry) : NO_WORDS;
  return {
    text: leafText(entry, options, `${commitments}}`),
    values: { sealed: sealValues(options.valueKey, `${opened}}`, options.random(NONCE_BYTES)), words },
  };
}

/** What is no Unicode becomes so here: UTF-8 would make two values one, and a commitment could be opened by either. */
const wellFormed = (text: string): string => (SURROGATE.test(text) ? Buffer.from(text).toString() : text);
const SURROGATE = /[\ud800-\udfff]/;

interface Value {
  name: string;
  text: string;
}

/** The fields that hold what a client sent, as text. */
function valuesOf(entry: RecordEntry): Value[] {
  const values: Value[] = [];
  const add = (name: string, value: unknown) => {
    if (!holdsNothing(value)) values.push({ name, text: typeof value === 'string' ? value : JSON.stringify(value) });
  };
  if (entry.type === 'statement')
    for (const name of VALUE_FIELDS.statement) add(name, name === 'tried' ? triedText(entry.tried) : entry[name]);
  else if (entry.type === 'result') for (const name of VALUE_FIELDS.result) add(name, entry[name]);
  return values;
}

/** Most statements share theirs with others (see knownJudged in proxy/journal/records.ts). */
const triedTexts = new WeakMap<object, string>();

function triedText(tried: StatementEntry['tried']): string | null {
  if (holdsNothing(tried)) return null;
  const known = triedTexts.get(tried);
  if (known !== undefined) return known;
  const text = JSON.stringify(tried);
  triedTexts.set(tried, text);
  return text;
}

export type OpenedValues = Readonly<Record<string, readonly [salt: string, value: string]>>;

/** AES-256-GCM over JSON of OpenedValues; the id of the key is authenticated. */
function sealValues({ id, key }: ValueKey, values: string, nonce: Buffer): SealedValues {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(id));
  const text = cipher.update(values, 'utf8');
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
