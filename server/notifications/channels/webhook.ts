import { sign } from '../../../proxy/outgoing/sign';
import type { Message } from '../message';
import type { Outcome } from '../outcome';
import { outcomeOfStatus } from '../outcome';
import { post } from '../post';

/** The body: `type`, `timestamp` and `data`, the same for every try of an event. */
export const webhookBody = (message: Message): string =>
  JSON.stringify({ type: message.event, timestamp: message.at.toISOString(), data: message.data });

export async function sendWebhook(
  { url, secrets }: { url: string; secrets: readonly string[] },
  message: Message,
  context: { signal: AbortSignal; now: Date },
): Promise<Outcome> {
  const body = webhookBody(message);
  const timestamp = Math.floor(context.now.getTime() / 1_000);
  const result = await post(url, {
    headers: {
      'content-type': 'application/json',
      'webhook-id': message.eventId,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': sign(secrets, message.eventId, timestamp, body),
    },
    body,
    signal: context.signal,
  });
  return 'failed' in result ? result.failed : outcomeOfStatus(result.answer.status, result.answer.askedMs);
}
