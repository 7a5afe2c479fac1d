import type { AccessRequestRow } from '../../data/types';
import type { Tone } from '../../ui/badge';

export const STATUS_WORDS: Record<AccessRequestRow['status'], { words: string; tone: Tone }> = {
  pending: { words: 'Waiting', tone: 'hold' },
  approved: { words: 'Has access', tone: 'allow' },
  rejected: { words: 'Refused', tone: 'deny' },
  expired: { words: 'Expired', tone: 'neutral' },
  withdrawn: { words: 'Withdrawn', tone: 'neutral' },
  revoked: { words: 'Taken back', tone: 'neutral' },
  ended: { words: 'Ended', tone: 'neutral' },
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `90 minutes`, `2 hours`, `1 day` */
export function durationWords(ms: number): string {
  const [count, noun] =
    ms >= DAY_MS && ms % DAY_MS === 0
      ? [ms / DAY_MS, 'day']
      : ms % HOUR_MS === 0
        ? [ms / HOUR_MS, 'hour']
        : [Math.round(ms / MINUTE_MS), 'minute'];
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const OFFERED = [15 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS, DAY_MS, 3 * DAY_MS, 7 * DAY_MS, 30 * DAY_MS];

/** What can be chosen under a connection's longest time: round ones, and that time itself. */
export const offeredDurations = (mostMs: number): number[] => [...OFFERED.filter((ms) => ms < mostMs), mostMs];
