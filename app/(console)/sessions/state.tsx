import { CircleDot, CircleSlash, Loader } from 'lucide-react';
import type { SessionRow } from '../../data/types';
import { Badge } from '../../ui/badge';

/** Open, ending or ended, in icon and word. */
export function SessionState({ session }: { session: Pick<SessionRow, 'endedAt' | 'endReason' | 'killRequestedAt'> }) {
  if (session.endedAt !== null)
    return (
      <Badge>
        <CircleSlash aria-hidden />
        Ended
      </Badge>
    );
  if (session.killRequestedAt !== null)
    return (
      <Badge tone="hold">
        <Loader aria-hidden />
        Ending
      </Badge>
    );
  return (
    <Badge tone="allow">
      <CircleDot aria-hidden />
      Open
    </Badge>
  );
}
