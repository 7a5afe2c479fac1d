'use client';
import { Field, Input, Select } from '../../ui/field';
import type { CredentialForm, PasswordPlace } from './credentialDraft';

const PLACES: readonly { place: PasswordPlace; label: string; words: string }[] = [
  { place: 'store', label: 'In Gatehouse', words: 'Encrypted at rest, never shown again.' },
  { place: 'env', label: 'Environment variable', words: 'Read from where the gateway runs, each time a session connects.' },
  { place: 'file', label: 'File', words: 'Below the directory that GATEHOUSE_SECRETS_DIR names, e.g. a mounted secret.' },
  { place: 'vaultKv', label: 'Vault: secret (KV version 2)', words: 'Read when a session connects, and again after a minute.' },
  { place: 'vaultRole', label: 'Vault: database role', words: 'A role for a time, made by Vault; it takes the place of the role above.' },
  { place: 'rds', label: 'AWS RDS IAM token', words: 'Signed by the gateway for this server; needs TLS.' },
];

const MONO = 'font-mono text-xs max-sm:text-base';

/** The password, or where it is kept. What a reference names is no secret, and is shown. */
export function CredentialFields({
  form,
  set,
  error,
  isStored,
}: {
  form: CredentialForm;
  set: (change: Partial<CredentialForm>) => void;
  error: string | undefined;
  /** A password is in the store. */
  isStored: boolean;
}) {
  const text = (name: keyof Omit<CredentialForm, 'place'>) => ({
    className: MONO,
    value: form[name],
    onChange: (event: { target: { value: string } }) => set({ [name]: event.target.value }),
  });
  return (
    <>
      <Field label="Where the password is" hint={PLACES.find(({ place }) => place === form.place)?.words}>
        <Select value={form.place} onChange={(event) => set({ place: event.target.value as PasswordPlace })}>
          {PLACES.map(({ place, label }) => (
            <option key={place} value={place}>
              {label}
            </option>
          ))}
        </Select>
      </Field>
      {form.place === 'store' ? (
        <Field
          label="Password"
          error={error}
          hint={isStored ? 'One is stored. Leave empty to keep it.' : 'Empty: the server asks for none.'}
        >
          <Input
            type="password"
            autoComplete="new-password"
            value={form.password}
            onChange={(event) => set({ password: event.target.value })}
          />
        </Field>
      ) : null}
      {form.place === 'env' ? (
        <Field label="Variable" error={error} hint="Its name begins with GATEHOUSE_UPSTREAM_.">
          <Input {...text('env')} />
        </Field>
      ) : null}
      {form.place === 'file' ? (
        <Field label="Path of the file" error={error}>
          <Input {...text('file')} placeholder="shop/password" />
        </Field>
      ) : null}
      {form.place === 'vaultKv' ? (
        <>
          <Field label="Path in Vault" error={error} hint="As its API has it, with data/ and without v1/.">
            <Input {...text('vaultPath')} placeholder="secret/data/shop" />
          </Field>
          <Field label="Field of the secret">
            <Input {...text('vaultField')} placeholder="password" />
          </Field>
        </>
      ) : null}
      {form.place === 'vaultRole' ? (
        <Field label="Path in Vault" error={error} hint="Of the database engine.">
          <Input {...text('vaultPath')} placeholder="database/creds/readonly" />
        </Field>
      ) : null}
      {form.place === 'rds' ? (
        <Field label="AWS region" error={error}>
          <Input {...text('region')} placeholder="eu-central-1" />
        </Field>
      ) : null}
      {form.place === 'store' || form.place === 'rds' ? null : (
        <p className="text-xs text-ink-3 sm:col-span-2">
          It is sent only to servers that the operator named for it in <code className="font-mono">GATEHOUSE_SECRETS_HOSTS</code>. Test
          connection says whether this is one.
        </p>
      )}
    </>
  );
}
