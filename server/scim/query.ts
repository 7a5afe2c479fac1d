import { ScimError } from './errors';

/** What a list is asked for (RFC 7644 §3.4.2). */
export interface ListQuery {
  filter: Filter | null;
  /** From 1. */
  startIndex: number;
  count: number;
  /** Members of a group are left out. */
  withoutMembers: boolean;
  /** Null: in our own order. */
  sort: Sort | null;
}

export interface Sort {
  attribute: string;
  descending: boolean;
}

/** `attribute eq "value"`: what directories ask to find out whether somebody is there. */
export interface Filter {
  attribute: string;
  value: string;
}

const USUAL_COUNT = 100;
export const MOST_A_PAGE = 200;

/** What a kind of resource can be asked by, as the schema writes it. */
export interface Askable {
  filters: readonly string[];
  sorts: readonly string[];
}

/** Pure; throws ScimError. */
export function readQuery(query: URLSearchParams, { filters, sorts }: Askable): ListQuery {
  const filter = query.get('filter');
  const startIndex = numberOf(query.get('startIndex'), 1);
  const count = numberOf(query.get('count'), USUAL_COUNT);
  return {
    filter: filter === null || filter.trim() === '' ? null : readFilter(filter, filters),
    // §3.4.2.4: less than 1 means 1, a negative count 0.
    startIndex: Math.max(1, startIndex),
    count: Math.min(Math.max(0, count), MOST_A_PAGE),
    withoutMembers: (query.get('excludedAttributes') ?? '').split(',').some((each) => each.trim().toLowerCase() === 'members'),
    sort: readSort(query, sorts),
  };
}

/** RFC 7644 §3.4.2.3: ascending unless told otherwise. */
function readSort(query: URLSearchParams, sorts: readonly string[]): Sort | null {
  const by = query.get('sortBy');
  if (by === null || by.trim() === '') return null;
  const attribute = known(by.trim(), sorts);
  if (attribute === undefined) throw new ScimError(400, `sortBy is one of: ${sorts.join(', ')}`, 'invalidPath');
  return { attribute, descending: query.get('sortOrder')?.trim().toLowerCase() === 'descending' };
}

/** Names are the same whatever their case, and with the schema before them (RFC 7644 §3.10). */
function known(name: string, attributes: readonly string[]): string | undefined {
  const bare = name.replace(/^urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group):/i, '').toLowerCase();
  return attributes.find((each) => each.toLowerCase() === bare);
}

function numberOf(text: string | null, otherwise: number): number {
  if (text === null || text === '') return otherwise;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || Math.abs(value) > 1e9)
    throw new ScimError(400, 'startIndex and count are whole numbers', 'invalidValue');
  return value;
}

/** Pure; throws ScimError. */
export function readFilter(text: string, attributes: readonly string[]): Filter {
  const match = /^\s*([\w:.$-]+)\s+eq\s+("(?:[^"\\]|\\.)*")\s*$/i.exec(text);
  const attribute = known(match?.[1] ?? '', attributes);
  if (match === null || attribute === undefined)
    throw new ScimError(400, `a filter is one of: ${attributes.map((each) => `${each} eq "…"`).join(', ')}`, 'invalidFilter');
  const value = textOf(match[2] ?? '');
  if (value === null) throw new ScimError(400, 'the value of the filter is no JSON string', 'invalidFilter');
  return { attribute, value };
}

function textOf(json: string): string | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' && !value.includes('\0') ? value : null;
  } catch {
    return null;
  }
}
