import type { Store } from '../../db/store';
import { sendEmail } from './channels/email';
import { sendSlack } from './channels/slack';
import { sendTeams } from './channels/teams';
import { sendWebhook } from './channels/webhook';
import type { Message } from './message';
import type { Outcome } from './outcome';
import { openSecrets } from './secrets';
import type { Channel } from './take';

export interface SendContext {
  store: Store;
  secretKey: Buffer;
  /** Where Slack's Web API is. */
  slackApiUrl: string;
  signal: AbortSignal;
  now: Date;
}

/** Sends one message by its channel's kind. Never throws: what cannot be sent is an outcome. */
export async function sendMessage(channel: Channel, message: Message, context: SendContext): Promise<Outcome> {
  try {
    return await sendBy(channel, message, context);
  } catch (error) {
    if (context.signal.aborted) return { kind: 'retry', error: 'the gateway was stopping' };
    // Its own words may quote what it was given.
    return { kind: 'retry', error: `could not be sent (${error instanceof Error ? error.name : 'unexpected error'})` };
  }
}

async function sendBy(channel: Channel, message: Message, context: SendContext): Promise<Outcome> {
  const { config } = channel;
  const { secretKey, signal, now } = context;
  switch (config.kind) {
    case 'webhook': {
      const { secret, previousSecret } = openSecrets(secretKey, channel, 'webhook');
      const overlap = config.previousSecretUntil !== undefined && new Date(config.previousSecretUntil) > now;
      const secrets = overlap && previousSecret !== undefined ? [secret, previousSecret] : [secret];
      return sendWebhook({ url: config.url, secrets }, message, { signal, now });
    }
    case 'slack': {
      const { botToken } = openSecrets(secretKey, channel, 'slack');
      const api = { baseUrl: context.slackApiUrl, botToken };
      return sendSlack({ store: context.store, channelId: channel.id, channel: config.channel, api }, message, signal);
    }
    case 'teams':
      return sendTeams(openSecrets(secretKey, channel, 'teams').url, message, signal);
    case 'email':
      return sendEmail(config, openSecrets(secretKey, channel, 'email').password, message);
    default:
      return config satisfies never;
  }
}
