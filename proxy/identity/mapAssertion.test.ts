import { describe, expect, test } from 'vitest';
import type { OidcProvider } from '../../db/schema/identityShapes';
import { type Assertion, IdentityRefused } from './assertion';
import { claimOf } from './claim';
import { mapAssertion } from './mapAssertion';
import { whyNotLinked } from './resolve';

const oidc = (part: Partial<OidcProvider>): OidcProvider => ({
  type: 'oidc',
  name: 'okta',
  issuer: 'https://idp.example',
  audiences: ['gatehouse'],
  algorithms: ['RS256'],
  clockSkewMs: 0,
  principal: { claim: 'sub' },
  ...part,
});
const said = (claims: Record<string, unknown>, part: Partial<Assertion> = {}): Assertion => ({
  providerId: 'idp_1',
  provider: 'okta',
  issuer: 'https://idp.example',
  subject: '00u1',
  claims: { sub: '00u1', ...claims },
  actors: [],
  client: null,
  tokenId: null,
  issuedAt: null,
  expiresAt: null,
  ...part,
});

describe('which principal somebody is', () => {
  test.each<[Partial<OidcProvider>, Record<string, unknown>, string | RegExp]>([
    [{}, {}, '00u1'],
    [{ principal: { claim: 'email' } }, { email: 'ana@acme.example' }, 'ana@acme.example'],
    [{ principal: { claim: 'email', strip: '@acme.example' } }, { email: 'ana@acme.example' }, 'ana'],
    [{ principal: { claim: 'email', strip: '@acme.example' } }, { email: 'ana@evil.example' }, /does not end/],
    [{ principal: { claim: 'email', strip: '@acme.example' } }, { email: '@acme.example' }, /cannot be/],
    [{ principal: { claim: 'email' } }, { email: 'ana@acme.example', email_verified: false }, /not verified/],
    [{ principal: { claim: 'email' } }, { email: 'ana@acme.example', email_verified: 'false' }, /not verified/],
    [{ principal: { claim: 'email' } }, { email: 'ana@acme.example', email_verified: 'true' }, 'ana@acme.example'],
    [{ principal: { claim: 'email' } }, {}, /no claim email/],
    [{ principal: { claim: 'email' } }, { email: 7 }, /no claim email/],
    [{ principal: { claim: 'mail' } }, { mail: ['ana'] }, 'ana'],
    [{ principal: { claim: 'mail' } }, { mail: ['ana', 'admin'] }, /no claim mail/],
    [{ principal: { claim: 'login' } }, { login: 'ana; DROP' }, /cannot be/],
    [{ principal: { claim: 'login' } }, { login: 'a'.repeat(64) }, /cannot be/],
    [{ principal: { claim: 'repository', names: { 'acme/ops': 'ops-ci' } } }, { repository: 'acme/ops' }, 'ops-ci'],
    [{ principal: { claim: 'repository', names: { 'acme/ops': 'ops-ci' } } }, { repository: 'acme/other' }, /not listed/],
    [{ principal: { claim: 'repository', names: { 'acme/ops': 'ops-ci' } } }, { repository: 'constructor' }, /not listed/],
    [{ principal: { claim: 'kubernetes.io.pod.name' } }, { 'kubernetes.io': { pod: { name: 'reporter' } } }, 'reporter'],
  ])('%j of %j', (provider, claims, expected) => {
    const mapped = () => mapAssertion(oidc(provider), said(claims));
    if (typeof expected === 'string') expect(mapped().name).toBe(expected);
    else expect(mapped).toThrow(expected);
  });

  test('a refusal never quotes what the token says', () => {
    const canary = 'canary claim!';
    for (const provider of [oidc({ principal: { claim: 'x' } }), oidc({ principal: { claim: 'x', names: { a: 'b' } } })])
      try {
        mapAssertion(provider, said({ x: canary }));
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(IdentityRefused);
        expect((error as Error).message).not.toContain(canary);
      }
  });
});

describe('which groups', () => {
  const groups = (mapping: OidcProvider['groups'], claims: Record<string, unknown>) =>
    mapAssertion(oidc(mapping === undefined ? {} : { groups: mapping }), said(claims)).groups;
  test.each([
    [undefined, { groups: ['dba'] }, null],
    [{ claim: 'groups' }, {}, []],
    [{ claim: 'groups' }, { groups: ['dba', 'ops', 'dba'] }, ['dba', 'ops']],
    [{ claim: 'groups' }, { groups: 'dba' }, ['dba']],
    [{ claim: 'groups' }, { groups: ['dba', 7, null] }, ['dba']],
    [{ claim: 'groups', names: { 'Platform DBAs': 'dba' } }, { groups: ['Platform DBAs', 'dba', 'toString'] }, ['dba']],
    [{ claim: 'realm_access.roles' }, { realm_access: { roles: ['dba'] } }, ['dba']],
    [{ claim: 'https://acme.example/groups' }, { 'https://acme.example/groups': ['dba'] }, ['dba']],
  ])('%j of %j', (mapping, claims, expected) => expect(groups(mapping, claims)).toEqual(expected));

  test('groups that were left out because there are too many are not no groups', () => {
    expect(() => groups({ claim: 'groups' }, { _claim_names: { groups: 'src1' } })).toThrow(/too many/);
  });
});

describe('who acts for them', () => {
  const agents = { 'mcp-client': 'helper' };
  test.each<[Partial<OidcProvider>, Partial<Assertion>, string | null | RegExp]>([
    [{}, { client: 'web' }, null],
    [{ agents }, { client: 'web' }, null],
    [{ agents }, { client: 'mcp-client' }, 'helper'],
    [{ agents }, { actors: ['mcp-client', 'other'], client: 'web' }, 'helper'],
    [{ agents }, { actors: ['other', 'mcp-client'] }, /not among/],
    [{ agents }, { actors: ['other'], client: 'mcp-client' }, /not among/],
    [{}, { actors: ['mcp-client'] }, /not among/],
    [{ agents }, { actors: ['hasOwnProperty'] }, /not among/],
  ])('%j of %j', (provider, part, expected) => {
    const mapped = () => mapAssertion(oidc(provider), said({}, part)).agent;
    if (expected instanceof RegExp) expect(mapped).toThrow(expected);
    else expect(mapped()).toBe(expected);
  });
});

test('claims by path: the whole name first, own properties alone', () => {
  expect(claimOf({ 'a.b': 1, a: { b: 2 } }, 'a.b')).toBe(1);
  expect(claimOf({ a: { b: { c: 3 } } }, 'a.b.c')).toBe(3);
  expect(claimOf({ 'a.b': { c: 4 } }, 'a.b.c')).toBe(4);
  for (const path of ['a', 'a.b', 'constructor', '__proto__', 'x.constructor']) expect(claimOf({ x: {} }, path)).toBeUndefined();
});

describe('the first sign-in of a subject', () => {
  const row = { name: 'ana', kind: 'human', role: 'member', email: null, managedBy: null } as const;
  const okta = { id: 'idp_1', principal: { claim: 'sub' } } as const;
  test.each<[Partial<Parameters<typeof whyNotLinked>[1]>, string | null, string[], RegExp | null]>([
    [{}, null, [], null],
    [{}, null, ['00u1'], null],
    [{}, null, ['00u2'], /another subject/],
    [{ kind: 'agent' }, null, [], /another kind/],
    [{ kind: 'service' }, null, [], /another kind/],
    [{ managedBy: 'idp_1' }, null, [], null],
    [{ managedBy: 'scim' }, null, [], null],
    [{ managedBy: 'idp_2' }, null, [], /another provider/],
    [{ role: 'admin' }, 'ana@acme.example', [], /has role admin/],
    [{ role: 'reviewer' }, null, [], /has role reviewer/],
    [{ role: 'admin', email: 'ana@acme.example' }, null, [], /has role admin/],
    [{ role: 'admin', email: 'Ana@Acme.example' }, 'ana@acme.example', [], null],
    [{ role: 'admin', email: 'ana@acme.example' }, 'eve@acme.example', [], /has role admin/],
  ])('is %j by mail %j, linked %j', (part, email, subjects, expected) => {
    const why = whyNotLinked(okta, { ...row, ...part }, { email }, subjects, '00u1');
    if (expected === null) expect(why).toBeNull();
    else expect(why).toMatch(expected);
  });
});
