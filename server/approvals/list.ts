import { and, eq, lt, ne } from 'drizzle-orm';
import { approvalRequests } from '../../db/schema/approvals';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { ownRequests } from '../identity/scope';
import { parseInput } from '../input';
import { readRequests, toRequestRow } from './read';
import { approvalsListSchema, type RequestRow } from './shape';

/** Approval requests, newest first. */
export async function listRequests({ store, actor }: Call, input: unknown): Promise<{ items: RequestRow[]; nextCursor: string | null }> {
  demand(actor, 'approvals:own');
  const { status, limit, cursor } = parseInput(approvalsListSchema, input ?? {});
  const byStatus = { open: eq(approvalRequests.status, 'pending'), decided: ne(approvalRequests.status, 'pending'), all: undefined }[
    status
  ];
  const after = cursor == null ? undefined : lt(approvalRequests.id, cursor);
  const rows = await readRequests(store, and(ownRequests(actor), byStatus, after), limit + 1);
  const items = rows.slice(0, limit);
  return { items: items.map(toRequestRow), nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}
