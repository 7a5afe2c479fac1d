import { eq, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import type { ChannelConfig } from '../../db/schema/notificationShapes';
import { notificationChannels } from '../../db/schema/notifications';
import { recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { demandNames, uniquely } from '../policy/names';
import { type ChannelSecrets, newWebhookSecret, openSecrets, sealSecrets } from './secrets';
import { channelDraftSchema, type Target } from './shape';
import type { Channel } from './take';

/**
 * Creates a channel or changes the one whose id is given. Absent secrets keep the stored ones. `secret` is the signing secret of a new
 * webhook, and this is the only time it is shown.
 */
export async function saveChannel({ store, actor, secretKey }: Call, input: unknown): Promise<{ id: string; secret: string | null }> {
  demand(actor, 'notifications:write');
  const { id: existing, target, ...rest } = parseInput(channelDraftSchema, input);
  return uniquely('channel', rest.name, () =>
    store.transaction(async (tx) => {
      await demandNames(tx, { connections: rest.connections, groups: rest.groups });
      const id = existing ?? newId('ntc');
      const before = existing === undefined ? null : await lockedChannel(tx, existing);
      if (before !== null && before.kind !== target.kind)
        throw new ServiceError('INVALID', `target.kind: ${before.name} is a ${before.kind} channel; make another one`);
      const { config, secrets, shown } = targetOf(target, before, secretKey);
      const row = { ...rest, kind: target.kind, config, secretsSealed: sealSecrets(secretKey, id, secrets), updatedAt: sql`now()` };
      await tx
        .insert(notificationChannels)
        .values({ id, ...row })
        .onConflictDoUpdate({ target: notificationChannels.id, set: row });
      await recordAction(tx, actor, {
        action: before === null ? 'notification.create' : 'notification.update',
        subject: rest.name,
        before: before === null ? null : shownOf(before),
        after: { ...rest, config, ...(givesSecret(target) ? { secrets: 'changed' } : {}) },
      });
      return { id, secret: shown };
    }),
  );
}

type Handle = Parameters<Parameters<Call['store']['transaction']>[0]>[0];

/** The channel's row, locked until the transaction ends. @throws NOT_FOUND */
export async function lockedChannel(tx: Handle, id: string): Promise<Channel> {
  const [row] = await tx.select().from(notificationChannels).where(eq(notificationChannels.id, id)).for('update');
  if (row === undefined) throw notFound('channel', id);
  return row;
}

/** What the record may say of a channel. */
export const shownOf = ({ name, config, events, connections, groups, includeSql, disabledAt }: Channel) => ({
  name,
  config,
  events,
  connections,
  groups,
  includeSql,
  enabled: disabledAt === null,
});

const givesSecret = (target: Target): boolean =>
  (target.kind === 'slack' && (target.botToken !== undefined || target.signingSecret !== undefined)) ||
  (target.kind === 'teams' && target.url !== undefined) ||
  (target.kind === 'email' && target.password !== undefined);

function targetOf(
  target: Target,
  before: Channel | null,
  secretKey: Buffer,
): { config: ChannelConfig; secrets: ChannelSecrets; shown: string | null } {
  switch (target.kind) {
    case 'webhook': {
      const stored = before?.config.kind === 'webhook' ? before.config : null;
      const secrets = before === null ? { kind: target.kind, secret: newWebhookSecret() } : openSecrets(secretKey, before, 'webhook');
      const until = stored?.previousSecretUntil;
      const config = { kind: target.kind, url: target.url, ...(until === undefined ? {} : { previousSecretUntil: until }) };
      return { config, secrets, shown: before === null ? secrets.secret : null };
    }
    case 'slack': {
      const kept = before === null ? null : openSecrets(secretKey, before, 'slack');
      const botToken = target.botToken ?? kept?.botToken ?? missing('target.botToken');
      const signingSecret = target.signingSecret ?? kept?.signingSecret ?? missing('target.signingSecret');
      return {
        config: { kind: target.kind, channel: target.channel },
        secrets: { kind: target.kind, botToken, signingSecret },
        shown: null,
      };
    }
    case 'teams': {
      const kept = before === null ? null : openSecrets(secretKey, before, 'teams');
      const url = target.url ?? kept?.url ?? missing('target.url');
      return { config: { kind: target.kind, host: new URL(url).host }, secrets: { kind: target.kind, url }, shown: null };
    }
    case 'email': {
      const { password: given, ...config } = target;
      const kept = before === null || given !== undefined ? null : openSecrets(secretKey, before, 'email').password;
      const stored = before?.config.kind === 'email' ? before.config : null;
      // A stored password is for the server it was given for; sending it to another one would hand it over.
      const moved =
        stored !== null && (stored.host !== config.host || stored.port !== config.port || isWeaker(config.security, stored.security));
      if (kept !== null && moved && config.username !== null)
        throw invalid('target.password', 'type it again, because host, port or security changed');
      const password = config.username === null ? null : given === '' ? null : (given ?? kept);
      return { config, secrets: { kind: target.kind, password }, shown: null };
    }
    default:
      return target satisfies never;
  }
}

const isWeaker = (wanted: string, stored: string): boolean => wanted === 'none' && stored !== 'none';

function missing(path: string): never {
  throw invalid(path, 'is needed');
}

const invalid = (path: string, message: string) => new ServiceError('INVALID', `${path}: ${message}`, { fields: [{ path, message }] });
