import type { ApprovalStatus, Role } from '../../db/schema/shapes';
import type { Actor } from '../identity/actor';
import { PERMISSIONS } from '../identity/permission';
import type { MayDecide } from './shape';

/** What the question needs of a request. */
export interface DecidableRequest {
  status: ApprovalStatus;
  principalId: string;
  ownerId: string | null;
  principalName: string;
  reviewerGroups: readonly string[];
  required: number;
  expiresAt: Date;
  endedAt: Date | null;
}

export interface GivenDecision {
  reviewerId: string;
  reviewerName: string;
  decision: 'approve' | 'reject';
  at: Date;
}

/** Someone who might be asked: a person who is not disabled. */
export interface Reviewer {
  id: string;
  name: string;
  role: Role;
  groups: readonly string[];
}

interface Question {
  request: DecidableRequest;
  decisions: readonly GivenDecision[];
  actor: Actor;
  /** Who made or changed what holds it. */
  editors: readonly { id: string; what: string }[];
  /** The people of this gateway, from whom `who` is chosen. */
  people: readonly Reviewer[];
  now: Date;
}

const DECIDERS: readonly Role[] = PERMISSIONS['approvals:decide'];

/**
 * Whether the actor may approve or reject, why (not), and who can. Pure. Nobody decides what they asked for themselves nor what their own
 * agent asked for, nor under a rule they wrote or have changed meanwhile, administrators included; only people decide; the rule's reviewer groups bind administrators too.
 */
export function mayDecide({ request, decisions, editors, actor, people, now }: Question): MayDecide {
  const settled = settledWords(request, decisions, now);
  if (settled !== null) return { allowed: false, why: settled, who: [] };
  const who = people
    .filter(
      (person) =>
        qualifies(person, request) &&
        !decisions.some((decision) => decision.reviewerId === person.id) &&
        !editors.some((editor) => editor.id === person.id),
    )
    .map((person) => person.name)
    .sort();
  const why = refusal(request, decisions, editors, actor);
  return why === null ? { allowed: true, why: permittedWords(request), who } : { allowed: false, why, who };
}

function refusal(
  request: DecidableRequest,
  decisions: readonly GivenDecision[],
  editors: Question['editors'],
  actor: Actor,
): string | null {
  if (actor.id === null || actor.kind !== 'human') return 'only a person decides what an agent may do';
  if (actor.id === request.principalId) return 'you asked for this yourself, and nobody decides their own request';
  if (actor.id === request.ownerId) return `${request.principalName} acts for you, and nobody decides their own agent’s request`;
  if (!DECIDERS.includes(actor.role)) return `your role is ${actor.role}; deciding needs role ${DECIDERS.join(' or ')}`;
  if (!inGroups(actor.groups, request)) return `the rule asks for a reviewer in ${listed(request.reviewerGroups)}`;
  if (decisions.some((decision) => decision.reviewerId === actor.id))
    return 'you have approved this; another reviewer’s approval is needed';
  const edited = editors.find((editor) => editor.id === actor.id);
  if (edited !== undefined) return `you changed ${edited.what}, which holds this, and nobody decides under their own rule`;
  return null;
}

const qualifies = (person: Reviewer, request: DecidableRequest): boolean =>
  person.id !== request.principalId && person.id !== request.ownerId && DECIDERS.includes(person.role) && inGroups(person.groups, request);

const inGroups = (groups: readonly string[], request: DecidableRequest): boolean =>
  request.reviewerGroups.length === 0 || request.reviewerGroups.some((group) => groups.includes(group));

const permittedWords = (request: DecidableRequest): string =>
  request.reviewerGroups.length === 0 ? 'your role may decide' : `you are in ${listed(request.reviewerGroups)}`;

const listed = (groups: readonly string[]): string => `group ${groups.join(' or ')}`;

/** Why a request can no longer be decided, and since when; null while it waits. */
export function settledWords(
  request: Pick<DecidableRequest, 'status' | 'expiresAt' | 'endedAt'>,
  decisions: readonly GivenDecision[],
  now: Date,
): string | null {
  const last = (decision: 'approve' | 'reject') => decisions.filter((item) => item.decision === decision).at(-1);
  const by = (word: string, item: GivenDecision | undefined) =>
    item === undefined ? `already ${word}` : `already ${word} by ${item.reviewerName} ${ago(item.at, now)}`;
  switch (request.status) {
    case 'pending':
      return request.expiresAt > now ? null : `expired ${ago(request.expiresAt, now)}; nothing was executed`;
    case 'approved':
      return by('approved', last('approve'));
    case 'executed':
      return `${by('approved', last('approve'))}, and executed`;
    case 'rejected':
      return by('rejected', last('reject'));
    case 'expired':
      return `expired ${ago(request.endedAt ?? request.expiresAt, now)}; nothing was executed`;
    case 'withdrawn':
      return `withdrawn by its client${request.endedAt === null ? '' : ` ${ago(request.endedAt, now)}`}; nothing was executed`;
    default:
      return request.status satisfies never;
  }
}

/** `just now`, `3 s ago`, `12 min ago`, `2 h ago` */
export function ago(at: Date, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - at.getTime()) / 1_000));
  if (seconds < 1) return 'just now';
  if (seconds < 90) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} d ago`;
}
