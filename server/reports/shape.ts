import { z } from 'zod';

/** One principal's day. Arrays by hour have one number a bucket of {@link DailyReport.hours}. */
export interface PrincipalDay {
  principalName: string;
  ownerName: string | null;
  statements: number;
  rows: number;
  /** Values that left behind a mask: rows times masked columns, and cells in which a detector found something. */
  maskedValues: number;
  /** `schema.table.column`, by name. */
  maskedColumns: string[];
  holds: Holds;
  denied: number;
  errors: number;
  connections: string[];
  /** Every table its statements name, by name. */
  tables: string[];
  byHour: number[];
  rowsByHour: number[];
}

export interface Holds {
  total: number;
  /** Ran after a person said yes, or by a grant. */
  approved: number;
  rejected: number;
  /** Expired, withdrawn, or still waiting. */
  other: number;
  /** Half of them waited no longer; null when none did. */
  medianWaitMs: number | null;
}

/** Where in the explorer something can be looked at: the words of its query bar and two instants. */
export interface Look {
  q: string;
  from: Date;
  to: Date;
}

export type Unusual = { principalName: string; look: Look } & (
  | {
      kind: 'firstTable';
      tables: string[];
      /** Nothing at all is known of this principal from the days before. */
      firstDay: boolean;
    }
  | {
      kind: 'offHours';
      statements: number;
      /** Hours of the day in which it ran statements and usually does not, from 0. */
      hours: number[];
      /** Hours of the day in which it usually works. */
      usual: number[];
      /** Days its habit is known from. */
      days: number;
    }
  | {
      kind: 'manyRows';
      rows: number;
      /** Median of the days on which it worked. */
      usualRows: number;
      days: number;
    }
);

export interface ReportHour {
  at: Date;
  /** On the clock of the report's time zone. */
  hour: number;
  allow: number;
  hold: number;
  deny: number;
}

export interface DailyReport {
  /** YYYY-MM-DD in `timeZone`. */
  day: string;
  timeZone: string;
  from: Date;
  to: Date;
  /** The day is not over: figures grow. */
  soFar: boolean;
  hours: ReportHour[];
  totals: { statements: number; rows: number; maskedValues: number; holds: Holds; denied: number; errors: number };
  /** Most statements first. */
  principals: PrincipalDay[];
  /** Each with the words for it. */
  unusual: (Unusual & { text: string })[];
}

const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
};

export const dailySchema = z.object({
  /** Absent: today. */
  day: z.iso.date('a day is YYYY-MM-DD').nullish(),
  timeZone: z.string().max(60).refine(isTimeZone, 'not a time zone, e.g. Europe/Berlin').default('UTC'),
});
