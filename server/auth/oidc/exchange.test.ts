import { describe, expect, test } from 'vitest';
import { IdentityRefused } from '../../../proxy/identity/assertion';
import { demandForUs, lacksClaims } from './exchange';

describe('an ID token is for this client and this sign-in', () => {
  test.each<[string, Record<string, unknown>, string | undefined, RegExp | null]>([
    ['ours', { aud: 'console', nonce: 'n1' }, 'n1', null],
    ['ours, and says so', { aud: ['console', 'api'], azp: 'console', nonce: 'n1' }, 'n1', null],
    ['another nonce', { aud: 'console', nonce: 'n2' }, 'n1', /nonce/],
    ['no nonce', { aud: 'console' }, 'n1', /nonce/],
    ['no nonce of ours', { aud: 'console' }, undefined, /nonce/],
    ['for another client', { aud: ['console', 'api'], azp: 'api', nonce: 'n1' }, 'n1', /another client/],
    ['for several', { aud: ['console', 'api'], nonce: 'n1' }, 'n1', /several audiences/],
  ])('%s', (_name, claims, nonce, refusal) => {
    const demand = () => demandForUs({ claims }, 'console', nonce);
    if (refusal === null) expect(demand).not.toThrow();
    else {
      expect(demand).toThrow(refusal);
      expect(demand).toThrow(IdentityRefused);
    }
  });
});

test.each<[Record<string, unknown>, boolean]>([
  [{ email: 'a@b.example', groups: [] }, false],
  [{ email: 'a@b.example' }, true],
  [{ groups: ['x'] }, true],
])('userinfo is asked where %j lacks what is mapped', (claims, lacks) => {
  expect(lacksClaims({ principal: { claim: 'email' }, groups: { claim: 'groups' } }, claims)).toBe(lacks);
});
