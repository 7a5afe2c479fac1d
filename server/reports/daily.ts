import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { dayBounds, emptyHours, readDay, readHabits } from './read';
import { type DailyReport, dailySchema } from './shape';
import { unusualOf } from './unusual';
import { unusualText } from './words';

/** What happened on one day, by principal, and what of it is unusual for each. A member reads of themselves and their agents. */
export async function dailyReport({ store, actor }: Call, input: unknown): Promise<DailyReport> {
  demand(actor, 'audit:own');
  const { day: wanted, timeZone } = parseInput(dailySchema, input ?? {});
  const { day, from, to } = await dayBounds(store, wanted ?? null, timeZone);
  const read = await readDay(store, actor, from, to, emptyHours(from, to, timeZone));
  const habits = await readHabits(store, actor, from, timeZone);
  const unusual = unusualOf(read.principals, habits, read.hours, to).map((one) => ({ ...one, text: unusualText(one) }));
  return { day, timeZone, from, to, soFar: to > new Date(), ...read, unusual };
}
