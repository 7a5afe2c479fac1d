import type { UpstreamSession } from '../../db/schema/shapes';
import type { Principal } from '../policy/types';

/** PostgreSQL cuts names here (NAMEDATALEN). */
const MOST_BYTES = 63;

/** PostgreSQL keeps printable ASCII of an application_name, and so what is cut is bytes and characters alike. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');

/** What the upstream is told of who is there, as settings of its start-up packet: RESET gives them back, and no client may set them. Pure. */
export function sessionVariables(session: UpstreamSession, who: { principal: Principal; sessionId: string }): Record<string, string> {
  const { principal, sessionId } = who;
  const facts = {
    principal: principal.name,
    // A list in one text: a group may have any name, and JSON says where it ends.
    groups: JSON.stringify(principal.groups),
    owner: principal.owner?.name ?? '',
    session: sessionId,
  };
  return Object.fromEntries(Object.entries(session.variables).map(([name, fact]) => [name, facts[fact]]));
}

/**
 * The client's application_name with who is there behind it, for pg_stat_activity and the server's log: `psql [ana ses_…]`. At most 63 bytes; the
 * application is cut first, then the principal, and the session's id never. Pure.
 */
export function applicationNameOf(application: string, principal: string, sessionId: string): string {
  const room = MOST_BYTES - ` [ ${sessionId}]`.length;
  const who = ` [${printable(principal).slice(0, room)} ${sessionId}]`;
  return `${printable(application).slice(0, MOST_BYTES - who.length)}${who}`.trimStart();
}

/** As the server would report what the client gave. Pure. */
export const shownApplicationName = (application: string): string => printable(application).slice(0, MOST_BYTES);
