import type { Message } from '../message';

/** What a button or a form of ours is called in an interaction. */
export const APPROVE_ACTION = 'gatehouse_approve';
export const REJECT_ACTION = 'gatehouse_reject';

/** Limits of Block Kit. */
const MOST_HEADER = 150;
const MOST_PREFORMATTED = 2_800;

const ICONS = { waiting: '⏳', good: '✅', bad: '⛔', alarm: '🚨', neutral: 'ℹ️' } as const;

/**
 * A message in Block Kit. Everything that people or programs wrote stands in plain text or rich text elements, which know neither mentions
 * nor links; only the fallback `text` is mrkdwn, and escaped.
 */
export function slackMessage(message: Message): { text: string; blocks: object[] } {
  const text = (value: string, style?: object) => ({ type: 'text', text: value, ...(style === undefined ? {} : { style }) });
  const lines = message.lines.flatMap(({ label, value }, index) => [
    text(`${index === 0 ? '' : '\n'}${label}: `, { bold: true }),
    text(value),
  ]);
  const title = `${ICONS[message.tone]} ${message.title}`;
  return {
    text: escapeMrkdwn(title),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: cut(title, MOST_HEADER), emoji: false } },
      {
        type: 'rich_text',
        elements: [
          ...(lines.length === 0 ? [] : [{ type: 'rich_text_section', elements: lines }]),
          ...(message.sql === null ? [] : [{ type: 'rich_text_preformatted', elements: [text(cut(message.sql, MOST_PREFORMATTED))] }]),
        ],
      },
      {
        type: 'actions',
        elements: [
          ...message.decidable.map((decision) => BUTTONS[decision](message.subject)),
          { type: 'button', text: { type: 'plain_text', text: 'Open in Gatehouse' }, action_id: 'gatehouse_open', url: message.link },
        ],
      },
    ],
  };
}

const BUTTONS = {
  approve: (subject: string) => button('Approve', APPROVE_ACTION, subject, 'primary'),
  reject: (subject: string) => button('Reject', REJECT_ACTION, subject, 'danger'),
};

const button = (words: string, actionId: string, value: string, style: 'primary' | 'danger') => ({
  type: 'button',
  text: { type: 'plain_text', text: words },
  action_id: actionId,
  value,
  style,
});

/** The three characters that begin something in mrkdwn. */
export const escapeMrkdwn = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
