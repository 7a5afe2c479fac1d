'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound, TriangleAlert } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import type { PrincipalRow, TokenRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Section } from '../../ui/card';
import { ConfirmDialog } from '../../ui/confirm';
import { CopyLine } from '../../ui/copy';
import { Field, Input, Select } from '../../ui/field';
import { Sheet } from '../../ui/sheet';
import { ErrorState, SkeletonRows } from '../../ui/states';
import { Time } from '../../ui/time';
import { PasskeysOf } from './passkeys';
import { PasswordOf } from './password';
import { RotateToken } from './rotateToken';
import { SignOutEverywhere } from './signOut';

const HOUR_MS = 3_600_000;
const LIFETIMES = [
  { ms: HOUR_MS, name: '1 hour' },
  { ms: 12 * HOUR_MS, name: '12 hours' },
  { ms: 24 * HOUR_MS, name: '1 day' },
  { ms: 7 * 24 * HOUR_MS, name: '7 days' },
  { ms: 30 * 24 * HOUR_MS, name: '30 days' },
  { ms: 365 * 24 * HOUR_MS, name: '1 year' },
];

export function Tokens({ principal, isAdmin, onClose }: { principal: PrincipalRow; isAdmin: boolean; onClose: () => void }) {
  const trpc = useTRPC();
  const [revoking, setRevoking] = useState<TokenRow | null>(null);
  const [rotating, setRotating] = useState<TokenRow | null>(null);
  const tokens = useQuery(trpc.tokens.list.queryOptions({ principalId: principal.id }));
  return (
    <Sheet
      open
      onClose={onClose}
      title={`Tokens of ${principal.name}`}
      description="A token is the password at the proxy, and the bearer token of the CLI."
    >
      <div className="grid gap-6">
        {isAdmin ? <CreateToken principal={principal} /> : null}
        <Section title="Tokens">
          {tokens.error && !tokens.data ? (
            <ErrorState compact what="The tokens could not be loaded" error={tokens.error} onRetry={() => void tokens.refetch()} />
          ) : null}
          {tokens.isPending ? <SkeletonRows rows={2} label="Loading tokens" /> : null}
          {tokens.data?.length === 0 ? <p className="text-sm text-ink-3">None yet.</p> : null}
          {tokens.data && tokens.data.length > 0 ? (
            <ul className="divide-y rounded-lg border">
              {tokens.data.map((token) => (
                <TokenLine
                  key={token.id}
                  token={token}
                  others={tokens.data}
                  {...(isAdmin ? { onRevoke: () => setRevoking(token), onRotate: () => setRotating(token) } : {})}
                />
              ))}
            </ul>
          ) : null}
        </Section>
        {principal.hasPassword ? <PasswordOf principal={principal} isAdmin={isAdmin} /> : null}
        {principal.kind === 'human' ? <PasskeysOf principal={principal} isAdmin={isAdmin} /> : null}
        {isAdmin && principal.disabledAt === null ? <SignOutEverywhere principal={principal} /> : null}
      </div>
      {revoking ? <Revoke token={revoking} onClose={() => setRevoking(null)} /> : null}
      {rotating ? <RotateToken token={rotating} onClose={() => setRotating(null)} /> : null}
    </Sheet>
  );
}

function CreateToken({ principal }: { principal: PrincipalRow }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [label, setLabel] = useState('');
  const [ttlMs, setTtlMs] = useState<number | null>(24 * HOUR_MS);
  const [kind, setKind] = useState<TokenRow['kind']>('access');
  const [opens, setOpens] = useState<string[]>([]);
  const create = useMutation(
    trpc.tokens.create.mutationOptions({ onSuccess: () => void queryClient.invalidateQueries({ queryKey: trpc.tokens.pathKey() }) }),
  );
  const connections = useQuery(trpc.connections.list.queryOptions());
  const first = connections.data?.[0];
  const snippets = useQuery(
    trpc.connections.snippets.queryOptions({ id: first?.id ?? '' }, { enabled: create.data !== undefined && first !== undefined }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ principal: principal.id, kind, label: label.trim(), ttlMs, connections: opens.length === 0 ? null : opens });
  };
  if (create.data)
    return (
      <section role="status" className="grid gap-3 rounded-xl border border-hold/40 bg-hold-soft p-4">
        <p className="flex items-start gap-2 text-sm font-semibold text-hold">
          <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
          Copy the token now. It is shown this once and stored only as a hash.
        </p>
        <CopyLine text={create.data.secret} label="token" />
        {snippets.data ? <CopyLine text={readyLine(snippets.data.psql, create.data.secret, principal.name)} label="psql line" /> : null}
        <div className="flex items-center justify-between gap-2 text-xs text-ink-2">
          <span>
            {create.data.expiresAt === null ? (
              'Works until it is revoked'
            ) : (
              <>
                Expires <Time at={create.data.expiresAt} as="full" />
              </>
            )}
          </span>
          <Button size="sm" onClick={() => create.reset()}>
            Done
          </Button>
        </div>
      </section>
    );
  return (
    <form onSubmit={submit} className="grid gap-4 rounded-xl border bg-surface p-4 sm:grid-cols-2">
      <Field label="Label" optional hint="Where it will be used." error={fieldError(create.error, 'label')}>
        <Input value={label} maxLength={100} onChange={(event) => setLabel(event.target.value)} placeholder="e.g. laptop" />
      </Field>
      <Field label="Lifetime" error={fieldError(create.error, 'ttlMs')}>
        <Select value={String(ttlMs)} onChange={(event) => setTtlMs(event.target.value === 'null' ? null : Number(event.target.value))}>
          {kind === 'api_key' ? <option value="null">until it is revoked</option> : null}
          {LIFETIMES.map((one) => (
            <option key={one.ms} value={one.ms}>
              {one.name}
            </option>
          ))}
        </Select>
      </Field>
      {principal.kind === 'human' ? null : (
        <Field label="Kind" hint="A service keeps an API key; it is rotated without a pause.">
          <Select
            value={kind}
            onChange={(event) => {
              const next = event.target.value === 'api_key' ? 'api_key' : 'access';
              setKind(next);
              if (next === 'access' && ttlMs === null) setTtlMs(24 * HOUR_MS);
            }}
          >
            <option value="access">Access token</option>
            <option value="api_key">API key</option>
          </Select>
        </Field>
      )}
      {connections.data !== undefined && connections.data.length > 0 ? (
        <fieldset className="grid content-start gap-1.5">
          <legend className="text-sm font-medium">Opens</legend>
          <p className="text-xs text-ink-3">None ticked: every connection {principal.name} may use, the console’s API too.</p>
          {connections.data.map(({ name }) => (
            <label key={name} className="flex items-center gap-2 text-sm">
              <input
                type="checkbox"
                className="size-4 accent-accent"
                checked={opens.includes(name)}
                onChange={(event) => setOpens(event.target.checked ? [...opens, name] : opens.filter((other) => other !== name))}
              />
              {name}
            </label>
          ))}
        </fieldset>
      ) : null}
      <div className="sm:col-span-2">
        <Button type="submit" look="primary" busy={create.isPending}>
          <KeyRound aria-hidden />
          {kind === 'api_key' ? 'Create API key' : 'Create token'}
        </Button>
      </div>
      {create.error && (create.error.data?.fields.length ?? 0) === 0 ? (
        <div className="sm:col-span-2">
          <ErrorState compact what="No token was created" error={create.error} />
        </div>
      ) : null}
    </form>
  );
}

/** The connection's psql line with this principal's name and the token in place; the server's line never has one. */
function readyLine(psql: string, secret: string, principalName: string): string {
  const withUser = psql.replace(/\buser=\S+?(?=["'\s]|$)/, `user=${principalName}`);
  return /"?\$\{?GATEHOUSE_TOKEN\}?"?/.test(withUser)
    ? withUser.replace(/"?\$\{?GATEHOUSE_TOKEN\}?"?/, secret)
    : `PGPASSWORD=${secret} ${withUser}`;
}

interface TokenLineProps {
  token: TokenRow;
  others: readonly TokenRow[];
  onRevoke?: () => void;
  onRotate?: () => void;
}

function TokenLine({ token, others, onRevoke, onRotate }: TokenLineProps) {
  const hintOf = (id: string | null) => others.find((other) => other.id === id)?.hint;
  const expired = token.expiresAt !== null && token.expiresAt.getTime() < Date.now();
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2.5 text-sm">
      <span className="min-w-0 flex-1">
        <span className="font-medium">{token.label || 'No label'}</span> <code className="font-mono text-xs text-ink-3">…{token.hint}</code>
        {token.kind === 'api_key' ? (
          <>
            {' '}
            <Badge tone="accent">API key</Badge>
          </>
        ) : null}
        <span className="block text-xs text-ink-2">
          {token.lastUsedAt ? (
            <>
              last used <Time at={token.lastUsedAt} as="ago" />
            </>
          ) : (
            'never used'
          )}
          {token.expiresAt && !expired ? (
            <>
              {' · expires '}
              <Time at={token.expiresAt} />
            </>
          ) : null}
          {token.connections === null ? null : ` · opens ${token.connections.join(', ')}`}
          {token.provider === null ? null : ` · by ${token.provider}`}
          {!token.revokedAt && token.expiresAt === null ? ' · never expires' : null}
          {hintOf(token.replaces) === undefined ? null : ` · replaces …${hintOf(token.replaces)}`}
          {hintOf(token.replacedBy) === undefined ? null : ` · replaced by …${hintOf(token.replacedBy)}`}
        </span>
      </span>
      {onRotate && !token.revokedAt && !expired && token.provider === null && token.replacedBy === null ? (
        <Button size="sm" onClick={onRotate} aria-label={`Rotate token ${token.label || token.hint}`}>
          Rotate
        </Button>
      ) : null}
      {token.revokedAt ? (
        <Badge tone="deny">Revoked</Badge>
      ) : expired ? (
        <Badge>Expired</Badge>
      ) : onRevoke ? (
        <Button size="sm" look="reject" onClick={onRevoke} aria-label={`Revoke token ${token.label || token.hint}`}>
          Revoke
        </Button>
      ) : null}
    </li>
  );
}

function Revoke({ token, onClose }: { token: TokenRow; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const revoke = useMutation(
    trpc.tokens.revoke.mutationOptions({
      onSuccess: () => {
        toast.success('Token revoked');
        void queryClient.invalidateQueries({ queryKey: trpc.tokens.pathKey() });
        void queryClient.invalidateQueries({ queryKey: trpc.principals.pathKey() });
        onClose();
      },
    }),
  );
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title="Revoke token?"
      body={`The token ending in ${token.hint} stops working at once, at the proxy and for the CLI.`}
      confirm="Revoke token"
      busy={revoke.isPending}
      onConfirm={() => revoke.mutate({ id: token.id })}
    >
      {revoke.error ? <ErrorState compact what="The token was not revoked" error={revoke.error} effect="It still works." /> : null}
    </ConfirmDialog>
  );
}
