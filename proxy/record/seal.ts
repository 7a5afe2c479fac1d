import type { StatementEntry } from '../journal/entries';
import { SALT_BYTES } from '../tlog/commitment';
import type { NewLeaf } from './group';
import type { RecordEntry } from './leaf';
import { VALUE_FIELDS } from './leaf';
import { holdsNothing, type LeafPlace, leafText } from './leafText';
import { BoxMaker, type ValueKey } from './valueBox';
import { wordsOf } from './words';

const NO_WORDS = Buffer.alloc(0);
const NO_VALUES: readonly never[] = [];

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
  const { valueKey, random } = options;
  const names = entry.type === 'statement' || entry.type === 'result' ? VALUE_FIELDS[entry.type] : NO_VALUES;
  let commitments = '';
  for (const name of names) {
    const value = fieldOf(entry, name);
    if (holdsNothing(value)) continue;
    if (valueKey === null) throw new Error(`an entry of type ${entry.type} holds values, and there is no key to seal them`);
    if (commitments === '') boxes.begin(random(SALT_BYTES * names.length));
    const commitment = boxes.put(name, typeof value === 'string' ? value : JSON.stringify(value));
    commitments += `${commitments === '' ? '{' : ','}"${name}":"${commitment}"`;
  }
  if (valueKey === null || commitments === '') return { text: leafText(entry, options, null), values: null };
  return {
    text: leafText(entry, options, `${commitments}}`),
    values: { sealed: boxes.seal(valueKey, random), words: entry.type === 'statement' ? wordsOf(options.wordKey, entry) : NO_WORDS },
  };
}

const boxes = new BoxMaker();

/** Of a field that holds what a client sent. */
function fieldOf(entry: RecordEntry, name: string): unknown {
  return name === 'tried' && entry.type === 'statement' ? triedText(entry.tried) : (entry as unknown as Record<string, unknown>)[name];
}

/** Most statements share theirs with others (see knownJudged in proxy/journal/definitions.ts). */
const triedTexts = new WeakMap<object, string>();

function triedText(tried: StatementEntry['tried']): string | null {
  if (holdsNothing(tried)) return null;
  const known = triedTexts.get(tried);
  if (known !== undefined) return known;
  const text = JSON.stringify(tried);
  triedTexts.set(tried, text);
  return text;
}
