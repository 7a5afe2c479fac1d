import { z } from 'zod';
import { answering } from './http';

const run = z.strictObject({
  type: z.literal('TextRun'),
  text: z.string(),
  weight: z.enum(['Bolder']).optional(),
  size: z.enum(['Medium']).optional(),
  color: z.enum(['Default', 'Good', 'Warning', 'Attention']).optional(),
  fontType: z.enum(['Monospace']).optional(),
});

/** What a Workflows webhook takes, as far as we send it: one Adaptive Card whose only action opens a link. */
const teamsMessage = z.strictObject({
  type: z.literal('message'),
  attachments: z
    .array(
      z.strictObject({
        contentType: z.literal('application/vnd.microsoft.card.adaptive'),
        contentUrl: z.null(),
        content: z.strictObject({
          $schema: z.literal('http://adaptivecards.io/schemas/adaptive-card.json'),
          type: z.literal('AdaptiveCard'),
          version: z.enum(['1.2', '1.3', '1.4', '1.5']),
          body: z.array(z.strictObject({ type: z.literal('RichTextBlock'), inlines: z.array(run).min(1) })).min(1),
          actions: z.array(z.strictObject({ type: z.literal('Action.OpenUrl'), title: z.string(), url: z.url() })).max(6),
        }),
      }),
    )
    .length(1),
});

/** A Workflows webhook; tests only. It answers 202, and 400 to what Teams would not show. */
export async function teamsReceiver() {
  const cards: z.output<typeof teamsMessage>[] = [];
  const server = await answering((request) => {
    if (request.body.length > 28 * 1024) return { status: 413 };
    const parsed = teamsMessage.safeParse(JSON.parse(request.body));
    if (!parsed.success || request.headers['content-type'] !== 'application/json') return { status: 400 };
    cards.push(parsed.data);
    return { status: 202 };
  });
  return { ...server, cards };
}
