/**
 * Whether an instant lies between two wall-clock times (`HH:MM`, the end excluded) in a time zone, UTC when none is given. A span that
 * ends before it begins runs over midnight; equal ends mean the whole day. An unknown time zone counts as within: a rule that cannot be
 * read applies.
 */
export function isWithinHours(hours: { from: string; to: string; timeZone?: string }, now: Date): boolean {
  const from = minutesOf(hours.from);
  const to = minutesOf(hours.to);
  const at = localMinutes(now, hours.timeZone ?? 'UTC');
  if (from === null || to === null || at === null || from === to) return true;
  return from < to ? at >= from && at < to : at >= from || at < to;
}

function minutesOf(time: string): number | null {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(time) ?? [];
  return hour === undefined || minute === undefined ? null : Number(hour) * 60 + Number(minute);
}

function localMinutes(now: Date, timeZone: string): number | null {
  try {
    const parts = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(now);
    return minutesOf(parts);
  } catch {
    return null;
  }
}
