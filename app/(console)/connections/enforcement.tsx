'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ShieldCheck } from 'lucide-react';
import { useIsAdmin } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { ConnectionProof, ConnectionRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Fact, Facts, Section } from '../../ui/card';
import { CopyLine } from '../../ui/copy';
import { ProofBadge } from '../../ui/enforcement';
import { Sheet } from '../../ui/sheet';
import { Visible } from '../../ui/sqlBlock';
import { ErrorState, Skeleton } from '../../ui/states';
import { Time } from '../../ui/time';
import { Findings } from './findings';

/** What is proved of a connection's upstream role, and the button that proves it. */
export function EnforcementPanel({ connection, onClose }: { connection: ConnectionRow; onClose: () => void }) {
  const trpc = useTRPC();
  const isAdmin = useIsAdmin();
  const queryClient = useQueryClient();
  const current = useQuery(trpc.connections.enforcement.queryOptions({ id: connection.id }));
  const verify = useMutation(trpc.connections.verify.mutationOptions({ onSuccess: () => void queryClient.invalidateQueries() }));
  return (
    <Sheet
      open
      wide
      onClose={onClose}
      title={`Enforcement of ${connection.name}`}
      description="Whether PostgreSQL itself keeps masked columns from the role that sessions sign in as, or the gateway alone."
      footer={
        isAdmin ? (
          <Button look="primary" onClick={() => verify.mutate({ name: connection.name })} busy={verify.isPending}>
            {verify.isPending ? null : <ShieldCheck aria-hidden />}
            Verify connection
          </Button>
        ) : null
      }
    >
      <div className="grid gap-6">
        {verify.error ? <ErrorState compact what="The connection was not verified" error={verify.error} /> : null}
        {current.error ? (
          <ErrorState
            compact
            what="What was proved could not be loaded"
            error={current.error}
            effect="It is still kept."
            onRetry={() => void current.refetch()}
          />
        ) : null}
        {current.isPending ? <Skeleton className="h-40" /> : null}
        {current.data ? <Body connection={connection} found={current.data} /> : null}
      </div>
    </Sheet>
  );
}

function Body({ connection, found }: { connection: ConnectionRow; found: ConnectionProof }) {
  const { proof, standing, upstreamReached } = found;
  return (
    <>
      <div role="status" aria-label="Verification" className="grid gap-3">
        <p>
          <ProofBadge
            proof={proof === null ? null : { state: proof.state, outdated: standing === 'outdated', crossings: proof.crossings.length }}
          />
        </p>
        <p className="text-sm text-ink-2">{inWords(found)}</p>
        {upstreamReached === false ? (
          <p className="text-sm font-medium">The database cannot be reached now, so its catalog could not be compared.</p>
        ) : null}
      </div>
      {proof === null ? null : (
        <Facts>
          <Fact name="Role">
            <span className="font-mono text-xs">
              <Visible text={proof.role} />
            </span>
          </Fact>
          <Fact name="Verified">
            <Time at={proof.verifiedAt} as="full" /> by {proof.verifiedBy}
          </Fact>
          <Fact name="Policy version">{proof.policyVersion}</Fact>
        </Facts>
      )}
      {proof === null ? null : <Findings proof={proof} />}
      <Section title="Make a role that cannot read them">
        <p className="text-sm text-ink-2">
          This prints the SQL of such a role and of views that show the columns masked. Read it, let whoever owns the database run it, give
          the role a password, and change the role of this connection.
        </p>
        <CopyLine text={`npx gatehouse connections harden ${connection.name}`} label="Command that prints the SQL" />
      </Section>
    </>
  );
}

function inWords({ proof, standing }: ConnectionProof): string {
  if (proof === null) return 'Never verified. The gateway masks; whether the database would refuse by itself is not known.';
  if (standing === 'outdated')
    return 'The masking rules, the upstream or its catalog changed since. Sessions that open now count as gateway-enforced until it is verified again.';
  switch (proof.state) {
    case 'database':
      return 'Every masked column was proved unreadable, and nothing is known that could read it for the role. Masking does not rest on the gateway alone.';
    case 'except':
      return 'Every masked column was proved unreadable, but what is listed below could have one read for the role. Sessions count as gateway-enforced until it is closed.';
    case 'gateway':
      return 'The database does not enforce masking for this role. The gateway does.';
    default:
      return proof.state satisfies never;
  }
}
