import { describe, expect, test } from 'vitest';
import { ScimError } from './errors';
import { type GroupStep, groupName, readGroup, readGroupPatch } from './groupInput';
import { readFilter, readQuery } from './query';
import { changed, readUser, readUserPatch, type UserChange } from './userInput';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const patch = (...Operations: object[]) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations });

const NOTHING = { filters: [], sorts: [] };

describe('a PATCH of a user, as each directory writes it', () => {
  test.each<[string, object, UserChange]>([
    ['the RFC', patch({ op: 'replace', path: 'active', value: false }), { active: false }],
    ['Okta, without a path', patch({ op: 'replace', value: { active: false } }), { active: false }],
    ['Entra', patch({ op: 'Replace', path: 'active', value: 'False' }), { active: false }],
    ['Entra, back again', patch({ op: 'Add', path: 'active', value: 'True' }), { active: true }],
    [
      'Entra, with a filter in the path',
      patch({ op: 'Replace', path: 'emails[type eq "work"].value', value: 'ana@acme.example' }),
      { email: 'ana@acme.example' },
    ],
    [
      'dotted paths in an object',
      patch({ op: 'replace', value: { 'name.givenName': 'Ana', 'name.familyName': 'Lima', displayName: 'Ana Lima' } }),
      { name: { givenName: 'Ana', familyName: 'Lima' }, displayName: 'Ana Lima' },
    ],
    [
      'two operations on one name',
      patch({ op: 'replace', path: 'name.givenName', value: 'A' }, { op: 'replace', path: 'name.familyName', value: 'L' }),
      { name: { givenName: 'A', familyName: 'L' } },
    ],
    ['the schema in the path', patch({ op: 'replace', path: `${USER}:displayName`, value: 'x' }), { displayName: 'x' }],
    ['taken away', patch({ op: 'remove', path: 'externalId' }), { externalId: null }],
    [
      'the last word counts',
      patch({ op: 'replace', path: 'active', value: true }, { op: 'replace', path: 'active', value: false }),
      { active: false },
    ],
    ['what is not kept', patch({ op: 'add', path: 'phoneNumbers', value: [{ value: '1' }] }), {}],
  ])('%s', (_name, body, change) => {
    expect(readUserPatch(body)).toEqual(change);
  });

  test.each<[string, unknown]>([
    ['neither true nor false', patch({ op: 'replace', path: 'active', value: 'no' })],
    ['nothing', patch({ op: 'replace', path: 'active' })],
    ['active taken away', patch({ op: 'remove', path: 'active' })],
    ['another verb', patch({ op: 'move', path: 'active', value: false })],
    ['a remove of nothing', patch({ op: 'remove' })],
    ['no operations', patch()],
    ['a list', []],
    ['a value that is no object', patch({ op: 'replace', value: 'active' })],
    ['an object for a name', patch({ op: 'replace', path: 'displayName', value: {} })],
  ])('%s is refused', (_name, body) => {
    expect(() => readUserPatch(body)).toThrow(ScimError);
  });
});

test('a whole user takes away what it does not say, and keeps the rest of nothing', () => {
  const user = readUser({
    schemas: [USER],
    userName: 'ana',
    active: true,
    emails: [{ value: 'b@x' }, { value: 'a@x', primary: true }],
    title: 'x',
  });
  expect(user).toEqual({ userName: 'ana', active: true, email: 'a@x' });
  expect(
    changed(
      { active: false, externalId: '1', displayName: 'x', name: { givenName: 'A' } },
      { displayName: null, name: { givenName: null } },
    ),
  ).toEqual({
    active: false,
    externalId: '1',
  });
  expect(() => readUser({ active: true })).toThrow(/userName/);
});

describe('a PATCH of a group', () => {
  test.each<[string, object, GroupStep[]]>([
    [
      'the RFC adds',
      patch({ op: 'add', path: 'members', value: [{ value: 'a' }, { value: 'b' }] }),
      [{ step: 'add', members: ['a', 'b'] }],
    ],
    ['Okta removes one', patch({ op: 'remove', path: 'members[value eq "a"]' }), [{ step: 'remove', members: ['a'] }]],
    ['Entra removes one', patch({ op: 'Remove', path: 'members', value: [{ value: 'a' }] }), [{ step: 'remove', members: ['a'] }]],
    ['all are removed', patch({ op: 'remove', path: 'members' }), [{ step: 'remove', members: 'all' }]],
    ['Okta sets all', patch({ op: 'replace', path: 'members', value: [{ value: 'a' }] }), [{ step: 'set', members: ['a'] }]],
    ['Okta renames', patch({ op: 'replace', value: { id: 'grp_1', displayName: 'New' } }), [{ step: 'rename', displayName: 'New' }]],
    [
      'in their order',
      patch({ op: 'remove', path: 'members' }, { op: 'add', path: 'members', value: { value: 'a' } }),
      [
        { step: 'remove', members: 'all' },
        { step: 'add', members: ['a'] },
      ],
    ],
  ])('%s', (_name, body, steps) => {
    expect(readGroupPatch(body)).toEqual(steps);
  });

  test.each<[string, unknown]>([
    ['another path', patch({ op: 'add', path: 'owners', value: [{ value: 'a' }] })],
    ['members without values', patch({ op: 'add', path: 'members', value: ['a'] })],
    ['a filter that is not by value', patch({ op: 'remove', path: 'members[display eq "a"]' })],
    ['no name', patch({ op: 'remove', path: 'displayName' })],
    ['an empty name', patch({ op: 'replace', path: 'displayName', value: ' ' })],
  ])('%s is refused', (_name, body) => {
    expect(() => readGroupPatch(body)).toThrow(ScimError);
  });
});

test.each([
  ['dba', 'dba'],
  ['Platform DBAs', 'Platform-DBAs'],
  ['  (Équipe) données ', 'Equipe-donnees'],
  ['a'.repeat(80), 'a'.repeat(63)],
])('rules call the group %s %s', (display, name) => {
  expect(groupName(display)).toBe(name);
});

test('a group that no rule could name, or with members that are none', () => {
  expect(() => groupName('***')).toThrow(ScimError);
  expect(() => readGroup({ displayName: 'x', members: [{ display: 'a' }] })).toThrow(ScimError);
});

describe('what a list is asked for', () => {
  test.each([
    ['userName eq "ana"', 'userName', 'ana'],
    ['USERNAME EQ "ana"', 'userName', 'ana'],
    [`${USER}:userName eq "a\\"b"`, 'userName', 'a"b'],
    [' externalId  eq  "00u" ', 'externalId', '00u'],
  ])('%s', (filter, attribute, value) => {
    expect(readFilter(filter, ['userName', 'externalId'])).toEqual({ attribute, value });
  });

  test.each([
    'userName sw "a"',
    'userName eq a',
    'password eq "x"',
    'userName eq "a" or active eq "true"',
    'userName eq "\\u0000"',
    "' or 1=1",
  ])('%s is refused', (filter) => {
    expect(() => readFilter(filter, ['userName'])).toThrow(ScimError);
  });

  test.each([
    ['', { startIndex: 1, count: 100 }],
    ['startIndex=0&count=-1', { startIndex: 1, count: 0 }],
    ['startIndex=11&count=5000', { startIndex: 11, count: 200 }],
  ])('%s', (query, page) => {
    expect(readQuery(new URLSearchParams(query), NOTHING)).toMatchObject({ ...page, filter: null });
  });

  test('no number', () => {
    expect(() => readQuery(new URLSearchParams('count=ten'), NOTHING)).toThrow(ScimError);
  });
});

describe('the order that is asked for', () => {
  const askable = { filters: [], sorts: ['userName', 'name.familyName'] };
  const sortOf = (query: string) => readQuery(new URLSearchParams(query), askable).sort;
  test.each([
    ['', null],
    ['sortBy=', null],
    ['sortOrder=descending', null],
    ['sortBy=USERNAME', { attribute: 'userName', descending: false }],
    ['sortBy=userName&sortOrder=ascending', { attribute: 'userName', descending: false }],
    [
      'sortBy=urn:ietf:params:scim:schemas:core:2.0:User:name.familyName&sortOrder=Descending',
      { attribute: 'name.familyName', descending: true },
    ],
  ])('%s', (query, expected) => {
    expect(sortOf(query)).toEqual(expected);
  });
  test('by what we cannot sort is said', () => {
    expect(() => sortOf('sortBy=password')).toThrow(/sortBy is one of: userName, name.familyName/);
  });
});
