'use client';
import { Field, Select, Textarea } from '../../ui/field';
import type { ConnectionForm } from './draft';

interface Props {
  form: ConnectionForm;
  set: (change: Partial<ConnectionForm>) => void;
  error: (path: string) => string | undefined;
  /** A client key is stored. */
  hasKey: boolean;
}

/** What each mode promises, in plain words. */
const MODES: readonly { mode: ConnectionForm['tls']; words: string }[] = [
  { mode: 'disable', words: 'Never encrypted: statements and results travel in clear.' },
  { mode: 'prefer', words: 'Encrypted where the server offers it, in clear where it does not.' },
  { mode: 'require', words: 'Always encrypted. Whose certificate it is is only checked when an authority is given.' },
  { mode: 'verify-ca', words: 'Always encrypted, and the certificate must come from the authority.' },
  { mode: 'verify-full', words: 'Always encrypted; the certificate must come from the authority and be for this host.' },
];

const PLACEHOLDER = '-----BEGIN CERTIFICATE-----';
const PEM = 'font-mono text-xs max-sm:text-base';

/** How the way to the server is secured. Opens with the modes that use it. */
export function TlsFields({ form, set, error, hasKey }: Props) {
  const mayBeDirect = form.tls !== 'disable' && form.tls !== 'prefer';
  return (
    <fieldset className="grid gap-4 border-t pt-4">
      <legend className="sr-only">TLS</legend>
      <div className="grid content-start gap-4 sm:grid-cols-2">
        <Field label="TLS" error={error('tls')} hint={MODES.find(({ mode }) => mode === form.tls)?.words}>
          <Select
            value={form.tls}
            onChange={(event) => {
              const tls = event.target.value as ConnectionForm['tls'];
              set({ tls, ...(tls === 'disable' || tls === 'prefer' ? { tlsNegotiation: 'postgres' } : {}) });
            }}
          >
            {MODES.map(({ mode }) => (
              <option key={mode}>{mode}</option>
            ))}
          </Select>
        </Field>
        {mayBeDirect ? (
          <Field label="How TLS begins" error={error('tlsNegotiation')} hint="At once saves a round trip; PostgreSQL 17 and newer.">
            <Select
              value={form.tlsNegotiation}
              onChange={(event) => set({ tlsNegotiation: event.target.value as ConnectionForm['tlsNegotiation'] })}
            >
              <option value="postgres">Asked for first</option>
              <option value="direct">At once (direct)</option>
            </Select>
          </Field>
        ) : null}
      </div>
      {form.tls === 'disable' ? null : (
        <>
          <Field
            label="Authority’s certificate"
            optional
            error={error('tlsCa')}
            hint="PEM, one or more. Left empty, the public authorities are trusted."
          >
            <Textarea
              rows={3}
              className={PEM}
              placeholder={PLACEHOLDER}
              value={form.tlsCa}
              onChange={(event) => set({ tlsCa: event.target.value })}
            />
          </Field>
          <ClientCertificate form={form} set={set} error={error} hasKey={hasKey} />
        </>
      )}
    </fieldset>
  );
}

function ClientCertificate({ form, set, error, hasKey }: Props) {
  const wrong = error('tlsCertificate') ?? error('tlsKey');
  return (
    <details className="group" open={form.tlsCertificate !== '' || form.tlsKey !== '' || wrong !== undefined ? true : undefined}>
      <summary className="w-fit cursor-pointer rounded-sm py-1 text-sm font-medium text-accent-text max-sm:min-h-11">
        Sign in with a client certificate
      </summary>
      <div className="mt-3 grid gap-4 sm:grid-cols-2">
        <Field label="Client certificate" error={error('tlsCertificate')} hint="PEM, with what chains it. Emptied, its key goes too.">
          <Textarea
            rows={4}
            className={PEM}
            placeholder={PLACEHOLDER}
            value={form.tlsCertificate}
            onChange={(event) => set({ tlsCertificate: event.target.value })}
          />
        </Field>
        <Field
          label="Private key"
          error={error('tlsKey')}
          hint={hasKey ? 'One is stored. Leave empty to keep it.' : 'PEM without a passphrase. Encrypted at rest, never shown again.'}
        >
          <Textarea
            rows={4}
            // Where browsers can, what is typed is hidden like a password; it holds lines, so it cannot be one.
            className={`${PEM} [-webkit-text-security:disc]`}
            autoComplete="off"
            placeholder={hasKey ? '' : '-----BEGIN PRIVATE KEY-----'}
            value={form.tlsKey}
            onChange={(event) => set({ tlsKey: event.target.value })}
          />
        </Field>
      </div>
    </details>
  );
}
