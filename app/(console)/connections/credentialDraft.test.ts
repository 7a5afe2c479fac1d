import { expect, test } from 'vitest';
import type { PasswordFrom } from '../../../db/schema/shapes';
import type { ConnectionRow } from '../../data/types';
import { credentialForm, passwordOf, sessionForm, sessionOf } from './credentialDraft';

const row = (passwordFrom: PasswordFrom | null, session: ConnectionRow['session'] = { variables: {} }) =>
  ({ passwordFrom, session, hasPassword: true }) as ConnectionRow;

test.each<[place: string, from: PasswordFrom]>([
  ['env', { env: 'GATEHOUSE_UPSTREAM_SHOP' }],
  ['file', { file: 'shop/password' }],
  ['vaultKv', { vault: { path: 'secret/data/shop', field: 'password' } }],
  ['vaultKv', { vault: { path: 'secret/data/creds', field: 'pw' } }],
  ['vaultKv', { vault: { path: 'kv/creds/shop', field: 'pw' } }],
  ['vaultRole', { vault: { path: 'database/creds/readonly', field: 'password' } }],
  ['vaultRole', { vault: { path: 'database/static-creds/shop', field: 'password' } }],
  ['rds', { rds: { region: 'eu-central-1' } }],
])('a reference of kind %s stays what it is: %j', (place, from) => {
  const form = credentialForm(row(from));
  expect(form.place).toBe(place);
  expect(passwordOf(form, row(from))).toEqual(from);
});

test('a stored password is kept when nothing is typed; a reference that is left for nothing is removed', () => {
  expect(passwordOf(credentialForm(null), null)).toBeUndefined();
  expect(passwordOf(credentialForm(row(null)), row(null))).toBeUndefined();
  expect(passwordOf({ ...credentialForm(row(null)), password: 'typed' }, row(null))).toBe('typed');
  const left = row({ env: 'GATEHOUSE_UPSTREAM_SHOP' });
  expect(passwordOf({ ...credentialForm(left), place: 'store' }, left)).toBe('');
});

test('session variables come back as they were, and an empty line says nothing', () => {
  const session: ConnectionRow['session'] = { variables: { 'app.user': 'principal', 'app.groups': 'groups' }, applicationName: 'person' };
  const form = sessionForm(row(null, session));
  expect(sessionOf(form)).toEqual(session);
  expect(sessionOf({ variables: [{ name: ' ', fact: 'owner' }], person: false })).toEqual({ variables: {} });
});
