import { expect, test } from 'vitest';
import type { TlsMode } from '../../db/schema/shapes';
import { keptPasswordIssue } from './keptPassword';

const at = (tls: TlsMode, change: { host?: string; port?: number; tlsCa?: string | null } = {}) => ({
  host: 'db.example.com',
  port: 5432,
  tlsCa: null,
  tls,
  ...change,
});
const sealed = { passwordSealed: 'v1.x.y' };

test.each([
  ['prefer', at('prefer'), null],
  ['prefer', at('verify-full'), null],
  ['prefer', at('verify-ca', { tlsCa: 'one' }), null],
  ['require', at('require', { tlsCa: 'one' }), null],
  ['prefer', at('prefer', { host: 'evil.example' }), 'host or port changed'],
  ['prefer', at('prefer', { port: 5433 }), 'host or port changed'],
  ['prefer', at('disable'), 'tls is less than prefer'],
  ['verify-full', at('verify-ca'), 'tls is less than verify-full'],
  ['verify-full', at('require'), 'tls is less than verify-full'],
  ['verify-full', at('verify-full', { tlsCa: 'their own' }), 'tlsCa changed, which says whom to take for the server'],
  ['verify-ca', at('verify-full', { tlsCa: 'their own' }), 'tlsCa changed, which says whom to take for the server'],
] as const)('stored with %s, wanted %j: %s', (tls, wanted, issue) => {
  expect(keptPasswordIssue({ ...at(tls), ...sealed }, wanted)).toBe(issue);
  expect(keptPasswordIssue({ ...at(tls), passwordSealed: null, passwordFrom: { file: 'x' } }, wanted)).toBe(issue);
  expect(keptPasswordIssue({ ...at(tls), passwordSealed: null }, wanted)).toBeNull();
  expect(keptPasswordIssue(undefined, wanted)).toBeNull();
});
