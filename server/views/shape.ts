import { z } from 'zod';
import { AUDIT_SORTS } from '../audit/shape';

export interface ViewRow {
  id: string;
  name: string;
  shared: boolean;
  ownerName: string;
  /** The caller's own: they may change it. */
  own: boolean;
  q: string;
  /** A preset of the page; null where the instants say it. */
  range: string | null;
  from: Date | null;
  to: Date | null;
  sort: string;
  columns: string[];
}

export const viewSchema = z.object({
  /** Absent: a new one. */
  id: z.string().max(64).optional(),
  name: z.string().trim().min(1, 'a name is needed').max(60),
  shared: z.boolean().default(false),
  q: z.string().max(2_000).default(''),
  range: z.string().max(10).nullish(),
  from: z.date().nullish(),
  to: z.date().nullish(),
  sort: z.enum(AUDIT_SORTS).default('newest'),
  columns: z.array(z.string().max(30)).max(20).default([]),
});
