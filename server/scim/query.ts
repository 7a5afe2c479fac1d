import { ScimError } from './errors';

/** What a list is asked for (RFC 7644 §3.4.2). */
export interface ListQuery {
  filter: Filter | null;
  /** From 1. */
  startIndex: number;
  count: number;
  /** Members of a group are left out. */
  withoutMembers: boolean;
}

/** `attribute eq "value"`: what directories ask to find out whether somebody is there. */
export interface Filter {
  attribute: string;
  value: string;
}

const USUAL_COUNT = 100;
export const MOST_A_PAGE = 200;

/** @param attributes that can be filtered by, as the schema writes them. Pure; throws ScimError. */
export function readQuery(query: URLSearchParams, attributes: readonly string[]): ListQuery {
  const filter = query.get('filter');
  const startIndex = numberOf(query.get('startIndex'), 1);
  const count = numberOf(query.get('count'), USUAL_COUNT);
  return {
    filter: filter === null || filter.trim() === '' ? null : readFilter(filter, attributes),
    // §3.4.2.4: less than 1 means 1, a negative count 0.
    startIndex: Math.max(1, startIndex),
    count: Math.min(Math.max(0, count), MOST_A_PAGE),
    withoutMembers: (query.get('excludedAttributes') ?? '').split(',').some((each) => each.trim().toLowerCase() === 'members'),
  };
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
  const bare = (match?.[1] ?? '').replace(/^urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group):/i, '').toLowerCase();
  const attribute = attributes.find((each) => each.toLowerCase() === bare);
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
