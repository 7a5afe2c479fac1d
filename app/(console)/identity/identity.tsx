'use client';
import { useQuery } from '@tanstack/react-query';
import { FileCode2, Fingerprint, IdCard } from 'lucide-react';
import Link from 'next/link';
import { useTRPC } from '../../data/trpc';
import type { ProviderRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Page } from '../../ui/frame';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { Time } from '../../ui/time';
import { Subjects } from './subjects';

const OPENS = { proxy: 'proxy', console: 'console', device: 'command line' } as const;

export function Identity() {
  const trpc = useTRPC();
  const providers = useQuery(trpc.identities.providers.queryOptions());
  return (
    <Page
      title="Identity"
      about="Who says who people and workloads are. Providers are part of the policy document."
      actions={
        <Button asChild>
          <Link href="/policy">
            <FileCode2 aria-hidden />
            Policy as code
          </Link>
        </Button>
      }
    >
      <div className="grid gap-6">
        <Card>
          {providers.error && !providers.data ? (
            <ErrorState what="The providers could not be loaded" error={providers.error} onRetry={() => void providers.refetch()} />
          ) : null}
          {providers.isPending ? <SkeletonRows rows={2} label="Loading providers" /> : null}
          {providers.data?.length === 0 ? (
            <Empty icon={IdCard} title="No identity provider yet">
              Everybody signs in with a token or link of this gateway. Name your OIDC or SAML provider under <code>identity</code> in the
              policy, and people and workloads sign in with what they already have.
            </Empty>
          ) : null}
          <ul className="divide-y">
            {providers.data?.map((row) => (
              <Provider key={row.id} row={row} />
            ))}
          </ul>
        </Card>
        <Subjects />
      </div>
    </Page>
  );
}

function Provider({ row }: { row: ProviderRow }) {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2.5 px-4 py-3.5">
      <span className="grid size-9 shrink-0 place-items-center rounded-full bg-accent-soft text-accent-text">
        <Fingerprint className="size-4.5" aria-hidden />
      </span>
      <div className="min-w-0 flex-1 basis-52">
        <h2 className="flex flex-wrap items-center gap-2 text-sm font-semibold">
          {row.name}
          <Badge tone="outline">{row.type === 'oidc' ? 'OIDC' : 'SAML'}</Badge>
        </h2>
        <p className="truncate text-xs text-ink-2">{row.issuer ?? 'metadata in the policy'}</p>
      </div>
      <p className="basis-60 text-xs text-ink-2 lg:w-60 lg:shrink-0">
        {row.principal.names === undefined ? (
          <>
            principal is <code>{row.principal.claim}</code>
            {row.principal.create === undefined ? '' : ', made at first sign-in'}
          </>
        ) : (
          <>
            {Object.keys(row.principal.names).length} listed by <code>{row.principal.claim}</code>
          </>
        )}
        <br />
        {row.groupsClaim === null ? (
          'groups stay as they are here'
        ) : (
          <>
            groups from <code>{row.groupsClaim}</code>
          </>
        )}
        {row.agents > 0 ? `, ${row.agents} ${row.agents === 1 ? 'agent' : 'agents'}` : ''}
      </p>
      <div className="flex flex-wrap items-center gap-1.5 lg:w-56 lg:shrink-0">
        {row.opens.map((door) => (
          <Badge key={door}>{OPENS[door]}</Badge>
        ))}
      </div>
      <p className="w-28 text-xs text-ink-3">
        {row.subjects} {row.subjects === 1 ? 'subject' : 'subjects'}
        <br />
        {row.lastSeenAt ? (
          <>
            seen <Time at={row.lastSeenAt} as="ago" />
          </>
        ) : (
          'never seen'
        )}
      </p>
    </li>
  );
}
