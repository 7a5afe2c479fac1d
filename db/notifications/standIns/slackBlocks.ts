import { z } from 'zod';

/** Block Kit as far as we use it, with its limits: what Slack would answer with invalid_blocks is refused here too. */
const plainText = (most: number) =>
  z.strictObject({ type: z.literal('plain_text'), text: z.string().min(1).max(most), emoji: z.boolean().optional() });
const richText = z.strictObject({
  type: z.literal('text'),
  text: z.string().min(1),
  style: z.strictObject({ bold: z.boolean().optional() }).optional(),
});
const button = z.strictObject({
  type: z.literal('button'),
  text: plainText(75),
  action_id: z.string().min(1).max(255),
  value: z.string().max(2_000).optional(),
  url: z.url().max(3_000).optional(),
  style: z.enum(['primary', 'danger']).optional(),
});
const blocks = z
  .array(
    z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('header'), text: plainText(150) }),
      z.strictObject({
        type: z.literal('rich_text'),
        elements: z
          .array(z.strictObject({ type: z.enum(['rich_text_section', 'rich_text_preformatted']), elements: z.array(richText).min(1) }))
          .min(1),
      }),
      z.strictObject({ type: z.literal('actions'), elements: z.array(button).min(1).max(25) }),
    ]),
  )
  .min(1)
  .max(50);

export const slackContent = z.looseObject({ text: z.string().min(1).max(40_000), blocks });

export const slackView = z.strictObject({
  type: z.literal('modal'),
  callback_id: z.string().max(255),
  private_metadata: z.string().max(3_000),
  title: plainText(24),
  submit: plainText(24),
  close: plainText(24),
  blocks: z
    .array(
      z.strictObject({
        type: z.literal('input'),
        block_id: z.string().max(255),
        label: plainText(2_000),
        hint: plainText(2_000),
        element: z.strictObject({
          type: z.literal('plain_text_input'),
          action_id: z.string().max(255),
          multiline: z.boolean(),
          min_length: z.int().min(0).max(3_000),
          max_length: z.int().min(1).max(3_000),
        }),
      }),
    )
    .min(1),
});
export type SlackView = z.output<typeof slackView>;
