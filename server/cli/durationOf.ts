import { parseDuration } from '../duration';
import { CliError } from './errors';

/** An option's milliseconds; null when it was not given. */
export function durationOf(text: string | boolean | undefined, option: string): number | null {
  if (typeof text !== 'string') return null;
  if (/^0+s?$/.test(text)) return 0;
  const ms = parseDuration(text);
  if (ms === null) throw new CliError(`${option} is a duration, e.g. 30m, 1h or 7d`, 2);
  return ms;
}
