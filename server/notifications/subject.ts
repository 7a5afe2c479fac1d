import { eq } from 'drizzle-orm';
import { accessRequests } from '../../db/schema/accessRequests';
import { approvalRequests } from '../../db/schema/approvals';
import type { StoreHandle } from '../../db/store';
import { shapeOf } from '../../proxy/sql/shape';
import type { Subject } from './message';

/** Slack takes 3,000 characters in a block, Teams 28 KB in a message; the console shows the whole. */
const MOST_SQL_CHARACTERS = 2_500;

/** Reads what an event is about. Of the statement's text only its shape leaves the store, unless the channel was told to show it. */
export async function readSubject(store: StoreHandle, id: string, includeSql: boolean): Promise<Subject> {
  if (id.startsWith('req_')) {
    const [row] = await store.select().from(approvalRequests).where(eq(approvalRequests.id, id));
    if (row === undefined) return { is: 'other' };
    return { is: 'statement', row: { ...row, shown: cut(includeSql ? row.sql : shapeOf(row.sql)), isText: includeSql } };
  }
  if (id.startsWith('acr_')) {
    const [row] = await store.select().from(accessRequests).where(eq(accessRequests.id, id));
    return row === undefined ? { is: 'other' } : { is: 'access', row };
  }
  return { is: 'other' };
}

const cut = (text: string): string =>
  text.length > MOST_SQL_CHARACTERS ? `${text.slice(0, MOST_SQL_CHARACTERS)}… (the console shows all of it)` : text;
