import type { Look, PrincipalDay, ReportHour, Unusual } from './shape';

/** What is known of a principal from the days before. */
export interface Habit {
  principalName: string;
  /** One for each day on which it ran statements. `hours`: hours of the clock in which it did. */
  days: readonly { rows: number; hours: readonly number[] }[];
  /** Tables it has named. */
  tables: ReadonlySet<string>;
}

/** A habit of hours is not known from fewer days, nor is a usual number of rows. */
const FEWEST_DAYS = 5;
const TIMES_USUAL = 10;
/** Below this a multiple says nothing: one row usually, twelve today. */
const FEWEST_ROWS = 100;
/** An hour is usual when it was worked in on this share of the days, or lies next to one that was. */
const USUAL_SHARE = 0.2;

/**
 * What stands out of a day against each principal's own past. Pure: the same day and habits give the same answer. A table is new where no
 * statement of the principal named it before; the other two need a habit of at least five days.
 */
export function unusualOf(today: readonly PrincipalDay[], habits: readonly Habit[], hours: readonly ReportHour[], to: Date): Unusual[] {
  const known = new Map(habits.map((habit) => [habit.principalName, habit]));
  const from = hours[0]?.at ?? to;
  return today.flatMap((day) => {
    const habit = known.get(day.principalName) ?? { principalName: day.principalName, days: [], tables: new Set<string>() };
    return [...manyRows(day, habit, from, to), ...offHours(day, habit, hours, to), ...firstTables(day, habit, from, to)];
  });
}

function firstTables(day: PrincipalDay, habit: Habit, from: Date, to: Date): Unusual[] {
  const tables = day.tables.filter((table) => !habit.tables.has(table));
  if (tables.length === 0) return [];
  const [only, ...more] = tables;
  const q = only !== undefined && more.length === 0 ? `${who(day)} ${word('table', only)}` : who(day);
  return [{ kind: 'firstTable', principalName: day.principalName, tables, firstDay: habit.days.length === 0, look: { q, from, to } }];
}

function manyRows(day: PrincipalDay, habit: Habit, from: Date, to: Date): Unusual[] {
  if (habit.days.length < FEWEST_DAYS) return [];
  const usualRows = median(habit.days.map(({ rows }) => rows));
  if (day.rows < FEWEST_ROWS || day.rows < TIMES_USUAL * usualRows) return [];
  return [
    {
      kind: 'manyRows',
      principalName: day.principalName,
      rows: day.rows,
      usualRows,
      days: habit.days.length,
      look: { q: `${who(day)} rows:>0`, from, to },
    },
  ];
}

function offHours(day: PrincipalDay, habit: Habit, hours: readonly ReportHour[], to: Date): Unusual[] {
  const usual = usualHours(habit);
  if (usual === null) return [];
  const odd = hours
    .map(({ hour }, slot) => ({ hour, slot, statements: day.byHour[slot] ?? 0 }))
    .filter(({ hour, statements }) => statements > 0 && !usual.includes(hour));
  const [first] = odd;
  const last = odd.at(-1);
  if (first === undefined || last === undefined) return [];
  const look: Look = { q: who(day), from: hours[first.slot]?.at ?? to, to: hours[last.slot + 1]?.at ?? to };
  return [
    {
      kind: 'offHours',
      principalName: day.principalName,
      statements: odd.reduce((sum, { statements }) => sum + statements, 0),
      hours: [...new Set(odd.map(({ hour }) => hour))],
      usual,
      days: habit.days.length,
      look,
    },
  ];
}

/** The hours of the clock in which a principal usually works, in order; null where too little is known. */
export function usualHours({ days }: Habit): number[] | null {
  if (days.length < FEWEST_DAYS) return null;
  const worked = Array.from({ length: 24 }, (_, hour) => days.filter((day) => day.hours.includes(hour)).length);
  const often = (hour: number) => (worked[(hour + 24) % 24] ?? 0) >= days.length * USUAL_SHARE;
  return worked.flatMap((_, hour) => (often(hour - 1) || often(hour) || often(hour + 1) ? [hour] : []));
}

/** Of an even number of values the lower of the two in the middle, so that it is a value that was. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

const word = (key: string, value: string): string => `${key}:${/[\s":]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value}`;
const who = (day: PrincipalDay): string => word('who', day.principalName);
