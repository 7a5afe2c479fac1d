import { and, eq } from 'drizzle-orm';
import type { SlackMessageRef } from '../../../db/schema/notificationShapes';
import { slackMessages } from '../../../db/schema/notifications';
import type { Store } from '../../../db/store';
import { callSlack, type SlackApi } from '../../slack/api';
import type { Message } from '../message';
import type { Outcome } from '../outcome';
import { slackMessage } from './slackBlocks';

/** What Slack says of a message that can no longer be changed: then a new one tells. */
const LOST = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed', 'channel_not_found']);

/** Posts the first message about a subject and updates it with what comes later. */
export async function sendSlack(
  { store, channelId, channel, api }: { store: Store; channelId: string; channel: string; api: SlackApi },
  message: Message,
  signal: AbortSignal,
): Promise<Outcome> {
  const where = and(eq(slackMessages.channelId, channelId), eq(slackMessages.subject, message.subject));
  const [known] = await store.select({ ref: slackMessages.ref }).from(slackMessages).where(where);
  const content = { ...slackMessage(message), unfurl_links: false, unfurl_media: false };
  if (known !== undefined) {
    const updated = await callSlack(api, 'chat.update', { ...content, ...known.ref }, signal);
    if (updated.ok) return { kind: 'delivered' };
    if (!LOST.has(updated.error)) return updated.outcome;
  }
  const posted = await callSlack(api, 'chat.postMessage', { ...content, channel }, signal);
  if (!posted.ok) return posted.outcome;
  const ref = refOf(posted.body);
  // Killed before this is written, the next try posts once more: twice rather than never.
  if (ref !== null && message.event !== 'test')
    await store
      .insert(slackMessages)
      .values({ channelId, subject: message.subject, ref })
      .onConflictDoUpdate({ target: [slackMessages.channelId, slackMessages.subject], set: { ref } });
  return { kind: 'delivered' };
}

function refOf(body: Record<string, unknown>): SlackMessageRef | null {
  const { channel, ts } = body;
  return typeof channel === 'string' && typeof ts === 'string' ? { channel, ts } : null;
}
