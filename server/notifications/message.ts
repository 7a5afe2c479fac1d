import type { EventFacts, EventKind } from '../../db/schema/notificationShapes';
import type { RelationUse } from '../../db/schema/shapes';
import { visible } from '../cli/table';
import { formatDuration } from '../duration';

export type Tone = 'waiting' | 'good' | 'bad' | 'neutral' | 'alarm';

/** One message, before a channel gives it its form. Every text in it may be shown to who reads the channel. */
export interface Message {
  eventId: string;
  event: EventKind | 'test';
  at: Date;
  /** The id of what it is about. */
  subject: string;
  tone: Tone;
  title: string;
  lines: { label: string; value: string }[];
  /** The statement, or its shape without literals; null when it is about none. */
  sql: string | null;
  /** Opens the console at the subject; changes nothing. */
  link: string;
  /** What a reviewer can still decide outside the console, as far as this event knows. */
  decidable: readonly ('approve' | 'reject')[];
  /** What a program reads. */
  data: Record<string, unknown>;
}

/** The statement that waits, as far as a message speaks of it. */
export interface StatementSubject {
  kind: string;
  connectionName: string;
  principalName: string;
  ownerName: string | null;
  rule: string;
  why: string;
  effects: readonly string[];
  relations: readonly RelationUse[];
  unbounded: boolean;
  required: number;
  reviewerGroups: readonly string[];
  /** Whoever approves it confirms that with a passkey, which only the console can ask for. */
  passkey: boolean;
  requesterReason: string | null;
  expiresAt: Date;
  /** Its text, or its shape: whichever the channel shows. */
  shown: string;
  /** Whether `shown` is the text itself. */
  isText: boolean;
}

export interface AccessSubject {
  connectionName: string;
  principalName: string;
  ownerName: string | null;
  reason: string;
  durationMs: number;
  required: number;
  reviewerGroups: readonly string[];
  expiresAt: Date;
}

export type Subject =
  | { is: 'statement'; row: StatementSubject }
  | { is: 'access'; row: AccessSubject }
  /** Its row is gone, or it has none: the event's own facts are all there is. */
  | { is: 'other' };

export interface StoredEvent {
  eventId: string;
  event: EventKind;
  subject: string;
  connection: string | null;
  facts: EventFacts;
  at: Date;
}

const MOST_CHARACTERS = 500;

/** Says what happened. Pure: the same event and subject give the same message on every try. */
export function composeMessage(event: StoredEvent, subject: Subject, consoleUrl: string): Message {
  const { facts } = event;
  const principal = subject.is === 'other' ? (facts.principal ?? 'somebody') : subject.row.principalName;
  const owner = subject.is === 'other' ? (facts.owner ?? null) : subject.row.ownerName;
  const connection = subject.is === 'other' ? event.connection : subject.row.connectionName;
  const who = owner === null ? principal : `${principal} for ${owner}`;
  const lines = [
    line('Requested by', who),
    line('Connection', connection),
    ...(subject.is === 'statement' ? statementLines(subject.row) : []),
    ...(subject.is === 'access' ? accessLines(subject.row) : []),
    line('Reason', subject.is === 'statement' ? subject.row.requesterReason : subject.is === 'access' ? subject.row.reason : null),
    line('Approvals', facts.approvals === undefined ? null : `${facts.approvals} of ${facts.required ?? 1}`),
    line(byLabel(event.event), facts.by),
    line(subject.is === 'other' ? 'Reason' : 'Comment', facts.reason),
    line('Rule', subject.is === 'other' ? facts.rule : null),
    line('Until', facts.until),
  ].filter((item) => item !== null);
  return {
    eventId: event.eventId,
    event: event.event,
    at: event.at,
    subject: event.subject,
    tone: TONES[event.event],
    title: clean(titleOf(event.event, { who, what: whatOf(subject), connection: connection ?? 'any connection', facts }), 200),
    lines,
    sql: subject.is === 'statement' ? visible(subject.row.shown) : null,
    link: linkOf(event, consoleUrl),
    decidable: !DECIDABLE.has(event.event) ? [] : subject.is === 'statement' && subject.row.passkey ? ['reject'] : ['approve', 'reject'],
    data: dataOf(event, subject, { principal, owner, connection, link: linkOf(event, consoleUrl) }),
  };
}

const DECIDABLE: ReadonlySet<EventKind> = new Set(['request.filed', 'request.progress', 'access.requested', 'access.progress']);

const TONES: Record<EventKind, Tone> = {
  'request.filed': 'waiting',
  'request.progress': 'waiting',
  'request.approved': 'good',
  'request.rejected': 'bad',
  'request.expired': 'neutral',
  'request.withdrawn': 'neutral',
  'request.executed': 'good',
  'grant.made': 'alarm',
  'grant.revoked': 'neutral',
  'breakGlass.used': 'alarm',
  'access.requested': 'waiting',
  'access.progress': 'waiting',
  'access.approved': 'good',
  'access.rejected': 'bad',
  'access.expired': 'neutral',
  'access.withdrawn': 'neutral',
  'access.revoked': 'neutral',
  'access.ended': 'neutral',
};

const whatOf = (subject: Subject): string => (subject.is === 'statement' ? subject.row.kind : 'a statement');

function titleOf(
  event: EventKind,
  { who, what, connection, facts }: { who: string; what: string; connection: string; facts: EventFacts },
): string {
  const by = facts.by === undefined ? '' : ` by ${facts.by}`;
  switch (event) {
    case 'request.filed':
      return `${who} asks to run ${what} on ${connection}`;
    case 'request.progress':
      return `Approval ${facts.approvals ?? 1} of ${facts.required ?? 1}: ${what} on ${connection} by ${who}`;
    case 'request.approved':
      return `Approved${by}: ${what} on ${connection} by ${who}`;
    case 'request.rejected':
      return `Rejected${by}: ${what} on ${connection} by ${who}`;
    case 'request.expired':
      return `Expired, nothing was executed: ${what} on ${connection} by ${who}`;
    case 'request.withdrawn':
      return `Withdrawn, nothing was executed: ${what} on ${connection} by ${who}`;
    case 'request.executed':
      return `Approved and released: ${what} on ${connection} by ${who}`;
    case 'grant.made':
      return `Grant made${by}: ${who} may run a statement shape on ${connection} without asking`;
    case 'grant.revoked':
      return `Grant revoked${by}: ${who} on ${connection}`;
    case 'breakGlass.used':
      return `BREAK-GLASS used${by}: ${who} ran ${what} on ${connection} without waiting for approval`;
    case 'access.requested':
      return `${who} asks for access to ${connection}`;
    case 'access.progress':
      return `Approval ${facts.approvals ?? 1} of ${facts.required ?? 1}: access of ${who} to ${connection}`;
    case 'access.approved':
      return `Access given${by}: ${who} to ${connection}`;
    case 'access.rejected':
      return `Access refused${by}: ${who} to ${connection}`;
    case 'access.expired':
      return `Nobody decided in time: access of ${who} to ${connection}`;
    case 'access.withdrawn':
      return `Request withdrawn: access of ${who} to ${connection}`;
    case 'access.revoked':
      return `Access taken back${by}: ${who} to ${connection}`;
    case 'access.ended':
      return `Access ended: ${who} to ${connection}`;
    default:
      return event satisfies never;
  }
}

const byLabel = (event: EventKind): string => (event.startsWith('request.') || event.startsWith('access.') ? 'Decided by' : 'By');

const statementLines = (row: StatementSubject) => [
  line('Statement', row.unbounded ? `${row.kind}, nothing bounds the rows it changes` : row.kind),
  line('Touches', row.relations.map((relation) => `${relation.name} (${relation.access})`).join(', ')),
  line('Held by', `${row.rule}: ${row.why}`),
  line('Reviewers', row.reviewerGroups.join(' or ')),
  line('Approved', row.passkey ? 'in Gatehouse, with a passkey' : null),
];

const accessLines = (row: AccessSubject) => [
  line('For', formatDuration(row.durationMs)),
  line('Reviewers', row.reviewerGroups.join(' or ')),
];

function line(label: string, value: string | null | undefined): { label: string; value: string } | null {
  const text = value == null ? '' : clean(value, MOST_CHARACTERS);
  return text === '' ? null : { label, value: text };
}

/** One line, with characters that could pass for others shown as what they are. */
function clean(text: string, most: number): string {
  const flat = visible(text.replace(/\s+/g, ' ').trim());
  return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat;
}

function linkOf(event: StoredEvent, consoleUrl: string): string {
  const request = event.subject.startsWith('req_') ? event.subject : event.facts.requestId;
  if (request !== undefined) return `${consoleUrl}/approvals/${encodeURIComponent(request)}`;
  if (event.subject.startsWith('stm_')) return `${consoleUrl}/audit/${encodeURIComponent(event.subject)}`;
  return event.subject.startsWith('acr_') ? `${consoleUrl}/access/${encodeURIComponent(event.subject)}` : `${consoleUrl}/approvals`;
}

function dataOf(
  { subject: id, facts }: StoredEvent,
  subject: Subject,
  named: { principal: string; owner: string | null; connection: string | null; link: string },
): Record<string, unknown> {
  const common = { id, ...named, ...facts };
  switch (subject.is) {
    case 'statement': {
      const { row } = subject;
      return {
        ...common,
        statement: {
          kind: row.kind,
          effects: row.effects,
          relations: row.relations,
          unbounded: row.unbounded,
          [row.isText ? 'sql' : 'shape']: row.shown,
        },
        rule: row.rule,
        why: row.why,
        requesterReason: row.requesterReason,
        required: row.required,
        reviewerGroups: row.reviewerGroups,
        expiresAt: row.expiresAt.toISOString(),
      };
    }
    case 'access':
      return {
        ...common,
        requesterReason: subject.row.reason,
        durationMs: subject.row.durationMs,
        required: subject.row.required,
        reviewerGroups: subject.row.reviewerGroups,
        expiresAt: subject.row.expiresAt.toISOString(),
      };
    case 'other':
      return common;
    default:
      return subject satisfies never;
  }
}

/** What "Send a test message" sends. */
export const testMessage = (eventId: string, by: string, at: Date, consoleUrl: string): Message => ({
  eventId,
  event: 'test',
  at,
  subject: eventId,
  tone: 'neutral',
  title: 'Gatehouse test message',
  lines: [{ label: 'Sent by', value: clean(by, MOST_CHARACTERS) }],
  sql: null,
  link: `${consoleUrl}/notifications`,
  decidable: [],
  data: { sentBy: by, link: `${consoleUrl}/notifications` },
});
