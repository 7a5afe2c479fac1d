import type { Fields } from '../record/leaf';
import type { StatementParts } from '../record/leafParts';
import type { Form, Source } from './batch';
import { flagOrNull, relationsOf, textOf, textOrNull, textsOf } from './read';

/** Of those that share what they are looked for by; past them a statement has its own, which costs time and changes nothing. */
const MOST_COMPARED = 8;

/** Where a statement comes from. */
interface Origin {
  source: Source;
  clientPort: number | null;
}

/**
 * Forms and sources of a batch, each made once: thousands of statements have a few hundred of them, and what is the same object need not be
 * compared, named or kept again.
 */
export class Alike {
  readonly #forms = new Map<string, { what: Fields; form: Form }[]>();
  readonly #sources = new Map<string, Source[]>();
  /** All that were made. */
  readonly sources: Source[] = [];
  readonly forms: Form[] = [];
  /** Of the very parts that were asked for. */
  readonly #formOfPart = new Map<Fields, Form>();
  readonly #originOfPart = new Map<Fields, Origin>();

  constructor(private readonly node: string) {}

  /** The form of a statement, from these parts of it. */
  formOf({ what, how }: Pick<StatementParts, 'what' | 'how'>): Form {
    const protocol = textOf(how.protocol);
    let form = this.#formOfPart.get(what);
    if (form?.protocol === protocol) return form;
    form = this.#findForm(what, protocol);
    this.#formOfPart.set(what, form);
    return form;
  }

  #findForm(what: Fields, protocol: string): Form {
    const shape = textOf(what.shape);
    const known = listOf(this.#forms, shape);
    for (const one of known)
      if (one.form.protocol === protocol && FORM_FIELDS.every((name) => sameJson(one.what[name], what[name]))) return one.form;
    const form: Form = {
      rowId: 0,
      kind: textOf(what.kind),
      shape,
      fingerprint: textOf(what.fingerprint),
      protocol,
      relations: relationsOf(what.relations),
      columns: textsOf(what.touchedColumns),
      effects: textsOf(what.effects),
      unbounded: flagOrNull(what.unbounded),
    };
    this.forms.push(form);
    if (known.length < MOST_COMPARED) known.push({ what, form });
    return form;
  }

  /** Who asked from where, from that part of a statement. */
  originOf(who: Fields): Origin {
    let origin = this.#originOfPart.get(who);
    if (origin !== undefined) return origin;
    const { host, port } = addressOf(textOf(who.clientAddress));
    origin = { source: this.#findSource(who, host), clientPort: port };
    this.#originOfPart.set(who, origin);
    return origin;
  }

  #findSource(who: Fields, clientHost: string): Source {
    const principalName = textOf(who.principalName);
    const ownerName = textOrNull(who.ownerName);
    const connectionName = textOf(who.connectionName);
    const applicationName = textOf(who.applicationName);
    const known = listOf(this.#sources, principalName);
    for (const one of known)
      if (
        one.clientHost === clientHost &&
        one.applicationName === applicationName &&
        one.connectionName === connectionName &&
        one.ownerName === ownerName
      )
        return one;
    const source = { rowId: 0, node: this.node, principalName, ownerName, connectionName, applicationName, clientHost };
    this.sources.push(source);
    if (known.length < MOST_COMPARED) known.push(source);
    return source;
  }
}

/** What a form is made of, but for its shape and protocol. */
const FORM_FIELDS = ['kind', 'fingerprint', 'unbounded', 'relations', 'touchedColumns', 'effects'] as const;

/** `127.0.0.1:5`, `[::1]:5`: the host repeats, the port does not. */
export function addressOf(address: string): { host: string; port: number | null } {
  const [, host, digits] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  return host === undefined || digits === undefined ? { host: address, port: null } : { host, port: Number(digits) };
}

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
