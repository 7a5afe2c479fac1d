import { and, eq, isNull, sql } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import type { Store } from '../../db/store';
import { loadPrincipal } from '../../proxy/identity/principal';
import type { Actor } from '../identity/actor';
import { askSlack, type SlackApi } from './api';

export interface SlackPerson {
  userId: string;
  teamId: string | null;
  enterpriseId: string | null;
}

export type Known = { actor: Actor } | { refused: string };

const NOT_KNOWN = 'Gatehouse does not know you: an administrator can put your Slack member ID on your principal';

/**
 * Who a Slack user is in the console: by the member ID on a principal, else by the mail address that Slack has verified. Only members of the
 * app's own workspace count: in a shared channel others can press buttons too. Read anew for every decision.
 */
export async function whoIs(store: Store, api: SlackApi, person: SlackPerson, signal: AbortSignal): Promise<Known> {
  const own = await askSlack(api, 'auth.test', {}, signal);
  if (!own.ok) return { refused: `Slack did not say whose workspace this is (${own.error}); nothing was decided` };
  const sameTeam = person.teamId !== null && person.teamId === own.body.team_id;
  const sameEnterprise = person.enterpriseId !== null && person.enterpriseId === own.body.enterprise_id;
  if (!sameTeam && !sameEnterprise) return { refused: 'your Slack account belongs to another workspace' };

  const people = and(eq(principals.kind, 'human'), isNull(principals.disabledAt));
  const [named] = await store
    .select({ id: principals.id })
    .from(principals)
    .where(and(people, eq(principals.slackUserId, person.userId)));
  if (named !== undefined) return actorOf(store, named.id);

  const info = await askSlack(api, 'users.info', { user: person.userId }, signal);
  if (!info.ok) return { refused: `Slack did not say who you are (${info.error}); nothing was decided` };
  const email = verifiedEmail(info.body.user, person.userId);
  if (email === null) return { refused: `${NOT_KNOWN}, since Slack shows no verified mail address of yours` };
  const found = await store
    .select({ id: principals.id })
    .from(principals)
    .where(and(people, isNull(principals.slackUserId), sql`lower(${principals.email}) = lower(${email})`))
    .limit(2);
  const [only] = found;
  if (only === undefined) return { refused: NOT_KNOWN };
  if (found.length > 1) return { refused: 'more than one principal has your mail address: an administrator must say which one you are' };
  return actorOf(store, only.id);
}

/** A guest, a bot or a stranger is nobody's reviewer, whatever address they show. */
function verifiedEmail(user: unknown, userId: string): string | null {
  if (typeof user !== 'object' || user === null || !('id' in user) || user.id !== userId) return null;
  const flags = user as Record<string, unknown>;
  if (['deleted', 'is_bot', 'is_restricted', 'is_ultra_restricted', 'is_stranger'].some((flag) => flags[flag] === true)) return null;
  if (flags.is_email_confirmed !== true) return null;
  const { profile } = flags;
  if (typeof profile !== 'object' || profile === null || !('email' in profile)) return null;
  return typeof profile.email === 'string' && profile.email !== '' ? profile.email : null;
}

async function actorOf(store: Store, id: string): Promise<Known> {
  const principal = await loadPrincipal(store, id);
  if (principal === null) return { refused: NOT_KNOWN };
  const { name, kind, role, groups } = principal;
  return { actor: { id, name, kind, role, groups, via: 'slack' } };
}
