import { Eye, PenLine, TriangleAlert } from 'lucide-react';
import type { RelationUse } from '../../db/schema/shapes';
import { Badge } from '../ui/badge';

const TRANSACTION: Record<string, string> = {
  I: 'Outside a transaction: it commits by itself.',
  T: 'Inside an open transaction: its locks are held while it waits.',
  E: 'Inside a failed transaction: only a rollback can run.',
};

interface ImpactProps {
  kind: string;
  effects: readonly string[];
  relations: readonly RelationUse[];
  unbounded: boolean;
  transactionStatus: string;
  /** What it touches is shown elsewhere. */
  rest?: boolean;
}

/** What the statement would touch, and where each figure comes from. */
export function Impact({ kind, effects, relations, unbounded, transactionStatus, rest = false }: ImpactProps) {
  return (
    <div className="grid gap-2.5 text-sm">
      <div className="flex flex-wrap gap-1.5">
        <Badge tone="outline">{kind}</Badge>
        {effects.map((effect) => (
          <Badge key={effect}>{effect}</Badge>
        ))}
        {unbounded ? (
          <Badge tone="deny">
            <TriangleAlert aria-hidden />
            Rows not bounded
          </Badge>
        ) : null}
      </div>
      {rest ? null : relations.length === 0 ? (
        <p className="text-ink-3">Names no table.</p>
      ) : (
        <ul className="grid gap-1">
          {relations.map((relation) => (
            <li key={`${relation.access} ${relation.name}`} className="flex items-center gap-2">
              {relation.access === 'write' ? (
                <PenLine className="size-3.5 text-hold" aria-hidden />
              ) : (
                <Eye className="size-3.5 text-ink-3" aria-hidden />
              )}
              <span className="w-12 text-xs text-ink-3">{relation.access === 'write' ? 'writes' : 'reads'}</span>
              <code className="min-w-0 break-all font-mono text-xs">{relation.name}</code>
            </li>
          ))}
        </ul>
      )}
      <p className="text-ink-2">{TRANSACTION[transactionStatus] ?? ''}</p>
      {rest ? null : <p className="text-xs text-ink-3">From PostgreSQL’s grammar and the connection’s catalog, before anything ran.</p>}
    </div>
  );
}
