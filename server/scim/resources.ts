import type { Group } from './groups';
import type { ListQuery } from './query';
import type { User } from './users';
import { versionOf } from './versions';

/** Resources as clients read them (RFC 7643 §4). Pure. */

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';

export interface Resource {
  id: string;
  meta: { resourceType: string; version?: string };
}

export function userResource({ row, groups }: User, base: string): Resource {
  const { externalId, displayName, name } = row.scim ?? {};
  const content = {
    schemas: [USER],
    id: row.id,
    ...(externalId === undefined ? {} : { externalId }),
    userName: row.name,
    ...(displayName === undefined ? {} : { displayName }),
    ...(name === undefined ? {} : { name }),
    active: row.disabledAt === null,
    emails: row.email === null ? [] : [{ value: row.email, type: 'work', primary: true }],
    groups: groups.map((group) => ({ value: group.id, display: group.name, $ref: `${base}/Groups/${group.id}` })),
  };
  const meta = { resourceType: 'User', created: row.createdAt.toISOString(), location: `${base}/Users/${row.id}` };
  return { ...content, meta: { ...meta, version: versionOf(content) } };
}

/** Without its members nobody can say which version it is. */
export function groupResource({ row, members }: Group, base: string, withoutMembers = false): Resource {
  const content = {
    schemas: [GROUP],
    id: row.id,
    ...(row.scim?.externalId === undefined ? {} : { externalId: row.scim.externalId }),
    displayName: row.scim?.displayName ?? row.name,
    ...(withoutMembers
      ? {}
      : { members: members.map((member) => ({ value: member.id, display: member.name, $ref: `${base}/Users/${member.id}` })) }),
  };
  const meta = { resourceType: 'Group', location: `${base}/Groups/${row.id}` };
  return { ...content, meta: withoutMembers ? meta : { ...meta, version: versionOf(content) } };
}

export const listOf = (resources: readonly object[], total: number, query: Pick<ListQuery, 'startIndex'> = { startIndex: 1 }): object => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
  totalResults: total,
  startIndex: query.startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
});

/** What we are able to do (RFC 7643 §5). */
export const serviceProviderConfig = (base: string, mostAPage: number): object => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: mostAPage },
  changePassword: { supported: false },
  sort: { supported: true },
  etag: { supported: true },
  authenticationSchemes: [
    { type: 'oauthbearertoken', name: 'Access token', description: 'A token of a service principal with role admin', primary: true },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
});

export const resourceTypes = (base: string): object[] =>
  [
    { name: 'User', endpoint: '/Users', schema: USER },
    { name: 'Group', endpoint: '/Groups', schema: GROUP },
  ].map((type) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: type.name,
    ...type,
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${type.name}` },
  }));

const attribute = (name: string, extra: object = {}) => ({
  name,
  type: 'string',
  multiValued: false,
  required: false,
  caseExact: true,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...extra,
});
const parts = (...names: string[]) => names.map((name) => attribute(name));

/** What is kept; other attributes are taken and left (RFC 7643 §7). */
export const schemas = (base: string): object[] =>
  [
    {
      id: USER,
      name: 'User',
      attributes: [
        attribute('userName', { required: true, caseExact: false, uniqueness: 'server', mutability: 'immutable' }),
        attribute('displayName'),
        attribute('name', { type: 'complex', subAttributes: parts('formatted', 'givenName', 'familyName') }),
        attribute('active', { type: 'boolean' }),
        attribute('emails', {
          type: 'complex',
          multiValued: true,
          subAttributes: [...parts('value', 'type'), attribute('primary', { type: 'boolean' })],
        }),
        attribute('groups', { type: 'complex', multiValued: true, mutability: 'readOnly', subAttributes: parts('value', 'display') }),
      ],
    },
    {
      id: GROUP,
      name: 'Group',
      attributes: [
        attribute('displayName', { required: true, caseExact: false, uniqueness: 'server' }),
        attribute('members', { type: 'complex', multiValued: true, subAttributes: parts('value', 'display') }),
      ],
    },
  ].map((schema) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    ...schema,
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${schema.id}` },
  }));
