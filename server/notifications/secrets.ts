import { randomBytes } from 'node:crypto';
import type { ChannelKind } from '../../db/schema/notificationShapes';
import { open, seal } from '../../db/secrets';

/** What a channel must keep to itself, by its kind. */
export type ChannelSecrets =
  | { kind: 'webhook'; secret: string; previousSecret?: string }
  | { kind: 'slack'; botToken: string; signingSecret: string }
  | { kind: 'teams'; url: string }
  | { kind: 'email'; password: string | null };

/** Bound to more than the row, so that no other envelope of the store opens as one of these. */
export const channelBinding = (channelId: string) => `${channelId} notification`;

export const sealSecrets = (secretKey: Buffer, channelId: string, secrets: ChannelSecrets): string =>
  seal(secretKey, JSON.stringify(secrets), channelBinding(channelId));

/** @throws when the key is another than the one it was sealed with, or the envelope is not of this channel; never with the value */
export function openSecrets<K extends ChannelKind>(
  secretKey: Buffer,
  channel: { id: string; secretsSealed: string },
  kind: K,
): Extract<ChannelSecrets, { kind: K }> {
  const secrets: ChannelSecrets = JSON.parse(open(secretKey, channel.secretsSealed, channelBinding(channel.id)));
  if (!isOf(secrets, kind)) throw new Error('the channel’s secrets are of another kind of channel');
  return secrets;
}

const isOf = <K extends ChannelKind>(secrets: ChannelSecrets, kind: K): secrets is Extract<ChannelSecrets, { kind: K }> =>
  secrets.kind === kind;

/** A Standard Webhooks signing secret: 24 to 64 random bytes in base64 behind `whsec_`. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
