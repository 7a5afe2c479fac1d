import type { Unusual } from './shape';

const hour = (value: number): string => `${String(value).padStart(2, '0')}:00`;

/** Runs of hours: `[8, 9, 10, 23]` → `08:00–11:00, 23:00–00:00`. */
export function hoursText(hours: readonly number[]): string {
  const runs: { from: number; to: number }[] = [];
  for (const value of hours) {
    const last = runs.at(-1);
    if (last !== undefined && last.to === value) last.to = value + 1;
    else runs.push({ from: value, to: value + 1 });
  }
  return runs.map(({ from, to }) => `${hour(from)}–${hour(to % 24)}`).join(', ');
}

/** How often something is what it usually is: `12` → `12 times`. */
const times = (now: number, usual: number): string => (usual === 0 ? '' : ` (${Math.floor(now / usual).toLocaleString('en')} times)`);

/** What is unusual, in one clause that follows the principal's name. */
export function unusualText(one: Unusual): string {
  switch (one.kind) {
    case 'firstTable': {
      const names =
        one.tables.length <= 4 ? one.tables.join(', ') : `${one.tables.slice(0, 3).join(', ')} and ${one.tables.length - 3} more`;
      return one.firstDay ? `first day here, with ${names}` : `used ${names} for the first time in 30 days`;
    }
    case 'offHours':
      return `${one.statements.toLocaleString('en')} ${one.statements === 1 ? 'statement' : 'statements'} at ${hoursText(one.hours)}; usually works ${hoursText(one.usual)}`;
    case 'manyRows':
      return `${one.rows.toLocaleString('en')} rows; usually ${one.usualRows.toLocaleString('en')} a day${times(one.rows, one.usualRows)}`;
    default:
      return one satisfies never;
  }
}
