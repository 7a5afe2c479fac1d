import {
  Ban,
  Check,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CircleSlash,
  CircleX,
  Hourglass,
  LoaderCircle,
  RotateCcw,
  SkipForward,
  Undo2,
} from 'lucide-react';
import type { ComponentType } from 'react';
import type { Action, ApprovalStatus, StatementStatus } from '../../db/schema/shapes';
import { Badge, type Tone } from './badge';

interface Look {
  tone: Tone;
  word: string;
  icon: ComponentType<{ 'aria-hidden'?: boolean }>;
}

const VERDICTS: Record<Action, Look> = {
  allow: { tone: 'allow', word: 'Allowed', icon: Check },
  hold: { tone: 'hold', word: 'Held', icon: Hourglass },
  deny: { tone: 'deny', word: 'Denied', icon: Ban },
};

const ACTIONS: Record<Action, string> = { allow: 'Allow', hold: 'Hold', deny: 'Deny' };

const REQUESTS: Record<ApprovalStatus, Look> = {
  pending: { tone: 'hold', word: 'Waiting', icon: Hourglass },
  approved: { tone: 'allow', word: 'Approved', icon: Check },
  executed: { tone: 'allow', word: 'Executed', icon: CircleCheck },
  rejected: { tone: 'deny', word: 'Rejected', icon: CircleX },
  expired: { tone: 'neutral', word: 'Expired', icon: CircleDashed },
  withdrawn: { tone: 'neutral', word: 'Withdrawn', icon: Undo2 },
};

const STATEMENTS: Record<StatementStatus, Look> = {
  running: { tone: 'accent', word: 'Running', icon: LoaderCircle },
  held: { tone: 'hold', word: 'Waiting', icon: Hourglass },
  done: { tone: 'neutral', word: 'Done', icon: Check },
  failed: { tone: 'deny', word: 'Failed', icon: CircleX },
  denied: { tone: 'deny', word: 'Denied', icon: Ban },
  rejected: { tone: 'deny', word: 'Rejected', icon: CircleX },
  withdrawn: { tone: 'neutral', word: 'Withdrawn', icon: Undo2 },
  expired: { tone: 'neutral', word: 'Expired', icon: CircleDashed },
  skipped: { tone: 'neutral', word: 'Skipped', icon: SkipForward },
  rolledBack: { tone: 'neutral', word: 'Rolled back', icon: RotateCcw },
  unknown: { tone: 'hold', word: 'Outcome unknown', icon: CircleHelp },
};

const OTHER: Look = { tone: 'neutral', word: 'Other', icon: CircleSlash };

function show({ tone, word, icon: Icon }: Look) {
  return (
    <Badge tone={tone}>
      <Icon aria-hidden />
      {word}
    </Badge>
  );
}

/** Icon and word, never colour alone. */
export const VerdictBadge = ({ verdict }: { verdict: Action }) => show(VERDICTS[verdict] ?? OTHER);
/** What a rule or a default would do, before any statement. */
export const ActionBadge = ({ action }: { action: Action }) =>
  show({ ...(VERDICTS[action] ?? OTHER), word: ACTIONS[action] ?? OTHER.word });
export const RequestBadge = ({ status }: { status: ApprovalStatus }) => show(REQUESTS[status] ?? OTHER);
export const StatementBadge = ({ status }: { status: StatementStatus }) => show(STATEMENTS[status] ?? OTHER);
