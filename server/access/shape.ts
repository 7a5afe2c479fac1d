import { z } from 'zod';

export interface AccessRow {
  id: string;
  connections: string[];
  groups: string[];
}

export const accessDraftSchema = z.object({
  entries: z.array(z.object({ connections: z.array(z.string()).min(1).max(200), groups: z.array(z.string()).min(1).max(200) })).max(500),
});
