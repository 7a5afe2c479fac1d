import type { Action, Detected, RelationUse, Reviewer, StatementStatus } from '../../db/schema/shapes';

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
export const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
export const flagOrNull = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);
export const numberOrNull = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/** A count; null for what bigint cannot hold exactly. */
export function countOrNull(value: unknown): number | null {
  const number = numberOrNull(value);
  if (number === null) return null;
  const whole = Math.round(number);
  return Number.isSafeInteger(whole) ? whole : null;
}

/** The year 2200: what lies beyond is no time that a gateway saw. */
const LAST_MS = 7_258_118_400_000;

/** Milliseconds since 1970. */
export function instantOrNull(value: unknown): number | null {
  const ms = countOrNull(value);
  return ms !== null && ms >= 0 && ms < LAST_MS ? ms : null;
}

export function relationsOf(value: unknown): RelationUse[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    if (typeof one !== 'object' || one === null || !('name' in one) || typeof one.name !== 'string') return [];
    return [{ name: one.name, access: 'access' in one && one.access === 'write' ? ('write' as const) : ('read' as const) }];
  });
}

const isDecision = (value: unknown): value is Reviewer['decision'] => value === 'approve' || value === 'reject' || value === 'breakGlass';

/** Null where nobody is named. */
export function reviewersOf(value: unknown): Reviewer[] | null {
  if (!Array.isArray(value)) return null;
  const reviewers = value.flatMap((one: unknown) => {
    if (typeof one !== 'object' || one === null || !('name' in one) || typeof one.name !== 'string' || !('decision' in one)) return [];
    if (!isDecision(one.decision)) return [];
    const passkey = 'passkey' in one && typeof one.passkey === 'string' ? { passkey: one.passkey } : {};
    return [{ name: one.name, decision: one.decision, ...passkey }];
  });
  return reviewers.length === 0 ? null : reviewers;
}

/** `bo (approve)`, `bo (approve, passkey psk_…)` */
export const reviewerText = ({ name, decision, passkey }: Reviewer): string =>
  `${name} (${decision}${passkey === undefined ? '' : `, passkey ${passkey}`})`;

/** Only gateways write it, and this is where its type is believed. */
export const detectedOf = (value: unknown): Detected[] => (Array.isArray(value) ? (value as Detected[]) : []);

const STATUSES: readonly string[] = [
  'running',
  'held',
  'done',
  'failed',
  'denied',
  'rejected',
  'withdrawn',
  'expired',
  'skipped',
  'rolledBack',
  'unknown',
] satisfies StatementStatus[];
const isStatus = (value: unknown): value is StatementStatus => typeof value === 'string' && STATUSES.includes(value);
export const statusOf = (value: unknown): StatementStatus => (isStatus(value) ? value : 'unknown');

export const actionOf = (value: unknown): Action => (value === 'allow' || value === 'hold' ? value : 'deny');
