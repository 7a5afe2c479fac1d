import { functionByOid } from '../catalog/byOid';
import type { CatalogSnapshot, FunctionInfo, Relation, WriteEvent } from '../catalog/types';
import { READS_BY_TEXT } from './builtins';

/** What the text of one function may do to relations, by its words alone: more than it does, never less. */
export interface Body {
  /** `schema.name` of the function. */
  name: string;
  words: ReadonlySet<string>;
  /** Every relation, in any schema, whose name is among the words. */
  relations: readonly Relation[];
  /** How it may write any of them; empty when it only reads. */
  events: readonly WriteEvent[];
  /** Why its text does not tell what it does; null when it does. */
  opaque: string | null;
}

/**
 * The bodies that run when a function does: its own and those of the user's functions whose names are among its words. Functions of
 * PostgreSQL, of extensions and in C are trusted: they have none.
 */
export function bodiesOf(functionOid: number, catalog: CatalogSnapshot): readonly Body[] {
  const first = functionByOid(catalog, functionOid);
  if (first === undefined)
    return [{ name: '', words: new Set(), relations: [], events: [], opaque: 'a function that is not in the catalog runs' }];
  const called = new Set([first]);
  const bodies: Body[] = [];
  for (const item of called) {
    if (isTrusted(item)) continue;
    const body = bodyOf(item, catalog);
    bodies.push(body);
    for (const word of body.words) for (const other of catalog.functions.get(word) ?? []) if (!isTrusted(other)) called.add(other);
  }
  return bodies;
}

const TRUSTED_LANGUAGES: ReadonlySet<string> = new Set(['internal', 'c']);

function isTrusted(item: FunctionInfo): boolean {
  return item.source === null || item.extension !== null || TRUSTED_LANGUAGES.has(item.language);
}

/** Functions and relations of a snapshot never change. */
const known = new WeakMap<FunctionInfo, Body>();

function bodyOf(item: FunctionInfo, catalog: CatalogSnapshot): Body {
  const before = known.get(item);
  if (before !== undefined) return before;
  const words = wordsOf(item.source ?? '');
  const body: Body = {
    name: `${item.schema}.${item.name}`,
    words,
    relations: [...words].flatMap((word) => catalog.relationsByName.get(word) ?? []).filter((relation) => !isInformation(relation)),
    events: eventsOf(words),
    opaque: opaqueReason(item, words),
  };
  known.set(item, body);
  return body;
}

/** Views about the catalog, with names such as "columns" and "triggers" that any text may hold; nothing can be written through them. */
function isInformation(relation: Relation): boolean {
  return relation.schema === 'information_schema';
}

/** Every word that may be a name, as it stands and folded, and what stands in double quotes; comments and strings are not told apart. */
export function wordsOf(source: string): ReadonlySet<string> {
  const words = new Set<string>();
  for (const [word] of source.matchAll(/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/g)) words.add(word).add(word.toLowerCase());
  for (const [, quoted = ''] of source.matchAll(/"((?:[^"]|"")*)"/g)) words.add(quoted.replaceAll('""', '"'));
  // A quote inside a string or a comment shifts the pairs: the text between the others may be the name.
  for (const between of source.split('"')) if (between.length < 64) words.add(between);
  return words;
}

function eventsOf(words: ReadonlySet<string>): WriteEvent[] {
  const has = (...any: readonly string[]) => any.some((word) => words.has(word));
  const events: WriteEvent[] = [];
  if (has('insert', 'merge', 'copy')) events.push('insert');
  if (has('update', 'merge')) events.push('update');
  if (has('delete', 'merge')) events.push('delete');
  if (has('truncate')) events.push('truncate');
  return events;
}

/** PostgreSQL cuts names at 63 bytes: a longer word is another name than it says. */
const MAX_NAME_BYTES = 63;

function opaqueReason(item: FunctionInfo, words: ReadonlySet<string>): string | null {
  const shown = `function ${item.schema}.${item.name}()`;
  if (item.unreadable) return `${shown} runs and could not be read`;
  if (item.language !== 'sql' && item.language !== 'plpgsql') return `${shown} in ${item.language} runs`;
  for (const word of words)
    if (word === 'execute' || READS_BY_TEXT.has(word) || word.startsWith('dblink')) return `${shown} runs SQL that it puts together`;
  if (/\bu&"/i.test(item.source ?? '')) return `${shown} runs and spells names with escapes`;
  for (const word of words)
    if (word.length > MAX_NAME_BYTES / 3 && Buffer.byteLength(word) > MAX_NAME_BYTES) return `${shown} runs and has names that are cut`;
  return null;
}
