import type { Message } from '../message';
import type { Outcome } from '../outcome';
import { outcomeOfStatus } from '../outcome';
import { post } from '../post';

/** Teams refuses messages above 28 KB; the text of a statement is the only part that can be long. */
const MOST_SQL_CHARACTERS = 4_000;

/**
 * The message as a Workflows webhook takes it: one Adaptive Card. Text stands in TextRuns, which know no Markdown: what a requester wrote
 * cannot become a link. The only action opens the console.
 */
export function teamsCard(message: Message) {
  const line = (inlines: object[]) => ({ type: 'RichTextBlock', inlines });
  const run = (text: string, more: object = {}) => ({ type: 'TextRun', text, ...more });
  const color = { waiting: 'Warning', good: 'Good', bad: 'Attention', alarm: 'Attention', neutral: 'Default' }[message.tone];
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            line([run(message.title, { weight: 'Bolder', size: 'Medium', color })]),
            ...message.lines.map(({ label, value }) => line([run(`${label}: `, { weight: 'Bolder' }), run(value)])),
            ...(message.sql === null ? [] : [line([run(message.sql.slice(0, MOST_SQL_CHARACTERS), { fontType: 'Monospace' })])]),
          ],
          actions: [{ type: 'Action.OpenUrl', title: 'Open in Gatehouse', url: message.link }],
        },
      },
    ],
  };
}

export async function sendTeams(url: string, message: Message, signal: AbortSignal): Promise<Outcome> {
  const result = await post(url, {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(teamsCard(message)),
    signal,
  });
  return 'failed' in result ? result.failed : outcomeOfStatus(result.answer.status, result.answer.askedMs);
}
