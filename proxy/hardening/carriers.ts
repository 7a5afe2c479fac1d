import type { CatalogSnapshot, FunctionInfo } from '../catalog/types';
import type { ColumnMask } from '../masking/types';

/** Extensions whose functions read, write or connect past the rights of SQL. */
export const OUTSIDE_EXTENSIONS: ReadonlySet<string> = new Set(['dblink', 'adminpack', 'pageinspect', 'pg_walinspect']);

const STATIC_LANGUAGES: ReadonlySet<string> = new Set(['sql', 'plpgsql']);

/**
 * User functions that read, or may read, a masked relation, with why. By name alone and whatever the schema, so that it errs only towards
 * reading: a text that builds SQL, or is in a language that is not read here, may read anything.
 */
export function functionsThatMayRead(catalog: CatalogSnapshot, masks: readonly ColumnMask[]): Map<number, string> {
  const relations = new Set(masks.flatMap((mask) => catalog.relations.get(mask.relationOid)?.name ?? []));
  const functions = userFunctions(catalog);
  const found = new Map<number, string>();
  const carriers = new Map<string, string>();
  const add = (item: FunctionInfo, why: string) => {
    found.set(item.oid, why);
    carriers.set(item.name, `${item.schema}.${item.name}`);
  };
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const item of functions) {
      if (found.has(item.oid)) continue;
      if (item.language === 'c' && item.extension !== null) {
        if (OUTSIDE_EXTENSIONS.has(item.extension)) add(item, `is a function of the extension ${item.extension}`);
        continue;
      }
      const why = dynamicReason(item) ?? namedReason(item, relations, carriers);
      if (why !== null) add(item, why);
    }
  }
  return found;
}

export function userFunctions(catalog: CatalogSnapshot): FunctionInfo[] {
  return [...catalog.functions.values()].flat().filter((item) => item.source !== null);
}

/** Why a function's text does not say what it reads; null when it does. */
export function dynamicReason(item: FunctionInfo): string | null {
  if (item.unreadable) return 'its text could not be read';
  if (!STATIC_LANGUAGES.has(item.language)) return `is written in ${item.language}, which is not analysed`;
  if (/\bexecute\b/i.test(item.source ?? '')) return 'builds SQL while it runs';
  // A name written with Unicode escapes is not the name it spells.
  if (/\bu&"/i.test(item.source ?? '')) return 'writes names with Unicode escapes';
  return null;
}

function namedReason(item: FunctionInfo, relations: ReadonlySet<string>, carriers: ReadonlyMap<string, string>): string | null {
  const mentions = mentionsIn(item.source ?? '');
  for (const name of relations) if (mentions(name)) return `names ${name}`;
  for (const [name, qualified] of carriers) if (name !== item.name && mentions(name)) return `may call ${qualified}`;
  return null;
}

/** Whether a text may name something: quoted or not, in any case. */
export function mentionsIn(source: string): (name: string) => boolean {
  const words = new Set((source.match(/[\w$]+/g) ?? []).flatMap((word) => [word, word.toLowerCase()]));
  const folded = source.toLowerCase();
  return (name) => {
    if (/^[\w$]+$/.test(name)) return words.has(name);
    return folded.includes(name.toLowerCase()) || folded.includes(name.replaceAll('"', '""').toLowerCase());
  };
}
