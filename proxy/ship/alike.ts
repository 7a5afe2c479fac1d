import type { Form, Source } from './batch';
import { type Fields, flagOrNull, relationsOf, textOf, textOrNull, textsOf } from './read';

/** Of those that share what they are looked for by; past them a statement has its own, which costs time and changes nothing. */
const MOST_COMPARED = 8;

/**
 * Forms and sources of a batch, each made once: thousands of statements have a few hundred of them, and what is the same object need not be
 * compared, named or kept again.
 */
export class Alike {
  readonly #forms = new Map<string, { entry: Fields; form: Form }[]>();
  readonly #sources = new Map<string, Source[]>();

  constructor(private readonly node: string) {}

  /** The form of a statement, from its entry. */
  formOf(entry: Fields): Form {
    const shape = textOf(entry.shape);
    const known = listOf(this.#forms, shape);
    for (const one of known) if (FORM_FIELDS.every((name) => sameJson(one.entry[name], entry[name]))) return one.form;
    const form: Form = {
      kind: textOf(entry.kind),
      shape,
      fingerprint: textOf(entry.fingerprint),
      protocol: textOf(entry.protocol),
      relations: relationsOf(entry.relations),
      columns: textsOf(entry.touchedColumns),
      effects: textsOf(entry.effects),
      unbounded: flagOrNull(entry.unbounded),
    };
    if (known.length < MOST_COMPARED) known.push({ entry, form });
    return form;
  }

  /** Who asked, from a statement's entry and the host of its address. */
  sourceOf(entry: Fields, clientHost: string): Source {
    const principalName = textOf(entry.principalName);
    const ownerName = textOrNull(entry.ownerName);
    const connectionName = textOf(entry.connectionName);
    const applicationName = textOf(entry.applicationName);
    const known = listOf(this.#sources, principalName);
    for (const one of known)
      if (
        one.clientHost === clientHost &&
        one.applicationName === applicationName &&
        one.connectionName === connectionName &&
        one.ownerName === ownerName
      )
        return one;
    const source = { node: this.node, principalName, ownerName, connectionName, applicationName, clientHost };
    if (known.length < MOST_COMPARED) known.push(source);
    return source;
  }
}

/** What a form is made of, but for its shape. */
const FORM_FIELDS = ['kind', 'fingerprint', 'protocol', 'unbounded', 'relations', 'touchedColumns', 'effects'] as const;

function listOf<T>(lists: Map<string, T[]>, name: string): T[] {
  let list = lists.get(name);
  if (list === undefined) {
    list = [];
    lists.set(name, list);
  }
  return list;
}

/** Whether two values that came from JSON say the same, their keys in the same order. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((one, index) => sameJson(one, b[index]));
  if (Array.isArray(b)) return false;
  const [ofA, ofB] = [Object.entries(a), Object.entries(b)];
  return ofA.length === ofB.length && ofA.every(([key, value], index) => key === ofB[index]?.[0] && sameJson(value, ofB[index]?.[1]));
}
