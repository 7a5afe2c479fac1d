import { z } from 'zod';
import type { ScimUser } from '../../db/schema/identityShapes';
import { ScimError } from './errors';
import { operationsOf, truth } from './patch';

/** What a client says of a user, as far as we keep it; absent is not said, null is taken away. */
export interface UserChange {
  userName?: string;
  externalId?: string | null;
  displayName?: string | null;
  email?: string | null;
  active?: boolean;
  name?: Partial<Record<(typeof NAMES)[number], string | null>>;
}

const NAMES = ['givenName', 'familyName', 'formatted'] as const;
const text = z.string().max(500);
const emails = z.array(z.object({ value: z.string().max(254), primary: z.unknown().optional(), type: z.string().optional() })).max(50);

/** A whole user, of a POST or a PUT. What is not kept (phone numbers, the enterprise extension) is not looked at. Pure; throws ScimError. */
export function readUser(body: unknown): UserChange & { userName: string } {
  const change = changesOf(Object.entries(recordOf(body)));
  const { userName } = change;
  if (userName === undefined || userName === '') throw new ScimError(400, 'userName is needed', 'invalidValue');
  return { ...change, userName };
}

/** A PATCH as RFC 7644 §3.5.2 writes it, and as Okta (no path) and Entra (`"False"`, dotted paths) do. Pure; throws ScimError. */
export function readUserPatch(body: unknown): UserChange {
  const change: UserChange = {};
  for (const { op, path, value } of operationsOf(body)) {
    const { name, ...rest } = changesOf(path === null ? Object.entries(recordOf(value)) : [[path, op === 'remove' ? null : value]]);
    Object.assign(change, rest);
    if (name !== undefined) change.name = { ...change.name, ...name };
  }
  return change;
}

function changesOf(said: readonly [string, unknown][]): UserChange {
  const change: UserChange = {};
  for (const [path, value] of said) {
    const attribute = path.replace(/^urn:ietf:params:scim:schemas:core:2\.0:User:/i, '').toLowerCase();
    const part = NAMES.find((name) => attribute === `name.${name.toLowerCase()}`);
    if (part !== undefined) change.name = { ...change.name, [part]: optional(part, value) };
    else if (attribute === 'username') change.userName = needed('userName', value);
    else if (attribute === 'externalid') change.externalId = optional('externalId', value);
    else if (attribute === 'displayname') change.displayName = optional('displayName', value);
    else if (attribute === 'active') change.active = truth('active', value);
    else if (attribute === 'emails') change.email = value === null ? null : primaryOf(value);
    else if (/^emails(?:\[.*\])?\.value$/.test(attribute)) change.email = optional('emails', value);
    else if (attribute === 'name') {
      for (const name of NAMES) {
        const given = recordOf(value ?? {})[name];
        if (given !== undefined || value === null) change.name = { ...change.name, [name]: optional(name, given ?? null) };
      }
    }
  }
  return change;
}

function primaryOf(value: unknown): string | null {
  const parsed = emails.safeParse(Array.isArray(value) ? value : [value]);
  if (!parsed.success) throw new ScimError(400, 'emails: a list of objects with a value', 'invalidValue');
  const primary = parsed.data.find((each) => each.primary === true || String(each.primary).toLowerCase() === 'true') ?? parsed.data[0];
  return primary?.value ?? null;
}

function optional(attribute: string, value: unknown): string | null {
  if (value === null || value === '') return null;
  return needed(attribute, value);
}

function needed(attribute: string, value: unknown): string {
  const parsed = text.safeParse(value);
  if (!parsed.success || parsed.data.includes('\0'))
    throw new ScimError(400, `${attribute}: a text of at most 500 characters`, 'invalidValue');
  return parsed.data;
}

function recordOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ScimError(400, 'an object is needed', 'invalidSyntax');
  return value as Record<string, unknown>;
}

/** What is kept of a user after a change. Pure. */
export function changed(before: ScimUser, change: UserChange): ScimUser {
  const name = kept({ ...before.name, ...change.name });
  return {
    ...kept({ externalId: before.externalId, displayName: before.displayName, ...pick(change) }),
    ...(Object.keys(name).length === 0 ? {} : { name }),
    active: change.active ?? before.active,
  };
}

const pick = ({ externalId, displayName }: UserChange) => ({
  ...(externalId === undefined ? {} : { externalId }),
  ...(displayName === undefined ? {} : { displayName }),
});
const kept = (fields: Readonly<Record<string, string | null | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] != null));
