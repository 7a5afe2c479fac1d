import { eq } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { notificationChannels } from '../../db/schema/notifications';
import { recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { getRuntime } from '../runtime';
import { SLACK_API_URL } from '../slack/api';
import { testMessage } from './message';
import { sendMessage } from './send';

const TIMEOUT_MS = 20_000;

/** Sends a test message at once, past the queue, and says what became of it. */
export async function testChannel(
  { store, actor, secretKey }: Call,
  input: unknown,
): Promise<{ delivered: boolean; error: string | null }> {
  demand(actor, 'notifications:write');
  const { id } = parseInput(idSchema, input);
  const [channel] = await store.select().from(notificationChannels).where(eq(notificationChannels.id, id));
  if (channel === undefined) throw notFound('channel', id);
  const { consoleUrl, slackApiUrl = SLACK_API_URL } = getRuntime();
  const now = new Date();
  const outcome = await sendMessage(channel, testMessage(newId('evt'), actor.name, now, consoleUrl), {
    store,
    secretKey,
    slackApiUrl,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    now,
  });
  const error = outcome.kind === 'delivered' ? null : outcome.error;
  await store.transaction((tx) =>
    recordAction(tx, actor, { action: 'notification.test', subject: channel.name, after: { delivered: error === null, error } }),
  );
  return { delivered: error === null, error };
}
