import { randomUUID } from 'node:crypto';
import { Frontend } from '../wire/messages';
import { ask } from './ask';
import type { Execution } from './execution';
import type { Session } from './session';

const SYNC = Buffer.from([Frontend.sync, 0, 0, 0, 4]);

/** Every name is schema-qualified: search_path is the client's. */
const PLACE_SQL = [
  'SELECT pg_catalog.json_build_array(pg_catalog.current_database(), current_user, session_user, ',
  `pg_catalog.current_setting('search_path'))::pg_catalog.text`,
].join('');

/**
 * Where a statement that is to be approved runs and as whom: database, role and search_path. Empty while they are what the session began
 * with, which its connection says; once something may have changed them the server is asked, inside the client's own session. 'failed'
 * when the server failed the question: the client has its error, and nothing may run.
 *
 * Asked too where messages of the statement wait for their Sync: statement_timeout runs from the Parse that was forwarded to the end of an
 * Execute (postgres.c), so that ours stops it, and a person may take longer than a statement.
 */
export async function placeOf(session: Session, protocol: Execution['protocol']): Promise<readonly string[] | 'failed'> {
  const known = session.searchPathKnown;
  const resting = !session.protocol.inImplicitTransaction;
  if (known && resting) return [];
  // In a failed transaction nothing runs but its end; what is held there is refused by the server.
  if (session.protocol.status === 'E') return known ? [] : ['a failed transaction'];
  let answer: string | null = null;
  ask(session, PLACE_SQL, (cell) => {
    answer = cell;
  });
  session.askForAnswers();
  await session.whenAnswered();
  if (session.closed) return 'failed';
  if (session.protocol.skipping) {
    // A Query has no Sync of its own that would end the server's skipping.
    if (protocol !== 'extended') {
      session.protocol.sentSync();
      session.toUpstream.append(SYNC);
      session.toUpstream.flush();
    }
    return 'failed';
  }
  if (resting) {
    session.protocol.sentRest();
    session.toUpstream.append(SYNC);
    session.toUpstream.flush();
    await session.whenAnswered();
    if (session.closed) return 'failed';
  }
  // Unknown, it is never the same as another's.
  return known ? [] : [answer ?? randomUUID()];
}
