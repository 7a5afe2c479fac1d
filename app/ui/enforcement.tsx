import { Shield, ShieldCheck, ShieldQuestion } from 'lucide-react';
import type { ConnectionRow } from '../data/types';
import { Badge } from './badge';

/** Who keeps masked columns from a session: PostgreSQL itself, or the gateway alone. */
export function EnforcementBadge({ enforcement }: { enforcement: 'database' | 'gateway' }) {
  return enforcement === 'database' ? (
    <Badge tone="allow">
      <ShieldCheck aria-hidden />
      database-enforced
    </Badge>
  ) : (
    <Badge tone="outline">
      <Shield aria-hidden />
      gateway-enforced
    </Badge>
  );
}

type Proof = NonNullable<ConnectionRow['enforcement']>;

/** The same for a connection, as far as it is proved; a proof that no longer counts says so. */
export function ProofBadge({ proof }: { proof: Pick<Proof, 'state' | 'outdated' | 'crossings'> | null }) {
  if (proof === null || proof.state === 'gateway') return <EnforcementBadge enforcement="gateway" />;
  if (proof.outdated)
    return (
      <Badge tone="hold" className="h-auto min-h-5.5 whitespace-normal">
        <ShieldQuestion aria-hidden />
        gateway-enforced (verification outdated)
      </Badge>
    );
  if (proof.state === 'except')
    return (
      <Badge tone="hold">
        <ShieldQuestion aria-hidden />
        database-enforced except {proof.crossings}
      </Badge>
    );
  return <EnforcementBadge enforcement="database" />;
}
