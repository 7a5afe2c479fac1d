import { z } from 'zod';
import { ScimError } from './errors';
import { operationsOf } from './patch';

/** One thing that a client asks of a group, in its order. */
export type GroupStep =
  | { step: 'add' | 'set'; members: string[] }
  | { step: 'remove'; members: string[] | 'all' }
  | { step: 'rename'; displayName: string }
  | { step: 'externalId'; externalId: string | null };

export interface GroupDraft {
  displayName: string;
  externalId?: string;
  members: string[];
}

const MOST_MEMBERS = 10_000;
const displayName = z.string().trim().min(1).max(200);
const members = z.array(z.object({ value: z.string().min(1).max(64) })).max(MOST_MEMBERS);
const draft = z.object({ displayName, externalId: z.string().max(500).nullish(), members: members.nullish() });

/** A whole group, of a POST or a PUT. Pure; throws ScimError. */
export function readGroup(body: unknown): GroupDraft {
  const parsed = draft.safeParse(body);
  if (!parsed.success) throw new ScimError(400, `displayName, and members with a value (at most ${MOST_MEMBERS})`, 'invalidValue');
  const { externalId, members: given, ...rest } = parsed.data;
  return { ...rest, ...(externalId == null ? {} : { externalId }), members: (given ?? []).map(({ value }) => value) };
}

/**
 * A PATCH as RFC 7644 writes it, and as Okta (`members[value eq "…"]`, no path) and Entra (a remove with its members in the value) do. Pure;
 * throws ScimError.
 */
export function readGroupPatch(body: unknown): GroupStep[] {
  return operationsOf(body).flatMap(({ op, path, value }): GroupStep[] => {
    if (path === null) return Object.entries(objectOf(value)).flatMap(([attribute, each]) => stepOf(op, attribute, each));
    return stepOf(op, path, value);
  });
}

function stepOf(op: 'add' | 'replace' | 'remove', path: string, value: unknown): GroupStep[] {
  const attribute = path.replace(/^urn:ietf:params:scim:schemas:core:2\.0:Group:/i, '');
  const one = /^members\[\s*value\s+eq\s+"([^"\\]{1,64})"\s*\]$/i.exec(attribute)?.[1];
  if (one !== undefined && op === 'remove') return [{ step: 'remove', members: [one] }];
  switch (attribute.toLowerCase()) {
    case 'members':
      if (op === 'remove') return [{ step: 'remove', members: value == null ? 'all' : membersOf(value) }];
      return [{ step: op === 'add' ? 'add' : 'set', members: membersOf(value) }];
    case 'displayname':
      if (op === 'remove') throw new ScimError(400, 'a group has a displayName', 'mutability');
      return [{ step: 'rename', displayName: textOf(displayName, value, 'displayName') }];
    case 'externalid':
      return [
        { step: 'externalId', externalId: op === 'remove' || value === null ? null : textOf(z.string().max(500), value, 'externalId') },
      ];
    // Okta says again which group it means.
    case 'id':
    case 'schemas':
    case 'meta':
      return [];
    default:
      throw new ScimError(400, 'path: members, displayName or externalId', 'invalidPath');
  }
}

function membersOf(value: unknown): string[] {
  const parsed = members.safeParse(Array.isArray(value) ? value : [value]);
  if (!parsed.success) throw new ScimError(400, `members: at most ${MOST_MEMBERS} objects with a value`, 'invalidValue');
  return parsed.data.map((each) => each.value);
}

function textOf(schema: z.ZodString, value: unknown, name: string): string {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new ScimError(400, `${name}: a text`, 'invalidValue');
  return parsed.data;
}

function objectOf(value: unknown): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ScimError(400, 'an object is needed', 'invalidSyntax');
  return value;
}

/** What rules call a group of this display name: `Platform DBAs` is `Platform-DBAs`. Pure; throws ScimError where nothing is left. */
export function groupName(display: string): string {
  const name = display
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9_.@-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, 63);
  if (name === '')
    throw new ScimError(400, 'displayName: letters or digits are needed, for rules speak of the group by them', 'invalidValue');
  return name;
}
