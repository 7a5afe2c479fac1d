import type { PasswordFrom, SessionFact, UpstreamSession } from '../../../db/schema/shapes';
import type { ConnectionRow } from '../../data/types';

/** Where a password is, as the form asks it: Vault's two engines are read alike, and meant differently. */
export type PasswordPlace = 'store' | 'env' | 'file' | 'vaultKv' | 'vaultRole' | 'rds';

export interface CredentialForm {
  place: PasswordPlace;
  /** Typed, when the place is the store. */
  password: string;
  env: string;
  file: string;
  vaultPath: string;
  vaultField: string;
  region: string;
}

/** A role of the database engine, by the name its path has unless the engine is mounted elsewhere. */
const isRole = ({ vault }: { vault: { path: string; field: string } }) =>
  /(^|\/)(static-)?creds\//.test(vault.path) && vault.field === 'password';

function placeOf(from: PasswordFrom | null): PasswordPlace {
  if (from === null) return 'store';
  if ('env' in from) return 'env';
  if ('file' in from) return 'file';
  if ('rds' in from) return 'rds';
  return isRole(from) ? 'vaultRole' : 'vaultKv';
}

export function credentialForm(row: ConnectionRow | null): CredentialForm {
  const from = row?.passwordFrom ?? null;
  return {
    place: placeOf(from),
    password: '',
    env: from !== null && 'env' in from ? from.env : 'GATEHOUSE_UPSTREAM_',
    file: from !== null && 'file' in from ? from.file : '',
    vaultPath: from !== null && 'vault' in from ? from.vault.path : '',
    vaultField: from !== null && 'vault' in from ? from.vault.field : 'password',
    region: from !== null && 'rds' in from ? from.rds.region : '',
  };
}

/** The password as the API takes it; undefined keeps what is stored, and leaving a reference for nothing removes it. */
export function passwordOf(form: CredentialForm, row: ConnectionRow | null): string | PasswordFrom | undefined {
  switch (form.place) {
    case 'store':
      return form.password === '' && (row === null || row.passwordFrom === null) ? undefined : form.password;
    case 'env':
      return { env: form.env.trim() };
    case 'file':
      return { file: form.file.trim() };
    case 'vaultKv':
      return { vault: { path: form.vaultPath.trim(), field: form.vaultField.trim() } };
    case 'vaultRole':
      return { vault: { path: form.vaultPath.trim(), field: 'password' } };
    case 'rds':
      return { rds: { region: form.region.trim() } };
    default:
      return form.place satisfies never;
  }
}

export interface SessionForm {
  variables: { name: string; fact: SessionFact }[];
  person: boolean;
}

export const sessionForm = (row: ConnectionRow | null): SessionForm => ({
  variables: Object.entries(row?.session.variables ?? {}).map(([name, fact]) => ({ name, fact })),
  person: row?.session.applicationName === 'person',
});

/** A line without a name says nothing. */
export const sessionOf = ({ variables, person }: SessionForm): UpstreamSession => ({
  variables: Object.fromEntries(variables.flatMap(({ name, fact }) => (name.trim() === '' ? [] : [[name.trim(), fact]]))),
  ...(person ? { applicationName: 'person' as const } : {}),
});
