import { z } from 'zod';
import { REJECT_VIEW } from './modal';

const user = z.object({ id: z.string(), team_id: z.string().optional() });
const workspace = z.object({ id: z.string() }).nullish();

/** What of an interaction we read. Anything else that Slack may send is not for us, and acknowledged. */
const interaction = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('block_actions'),
    user,
    team: workspace,
    enterprise: workspace,
    trigger_id: z.string(),
    response_url: z.string().optional(),
    channel: z.object({ id: z.string() }).optional(),
    actions: z.array(z.object({ action_id: z.string(), value: z.string().optional() })).min(1),
  }),
  z.object({
    type: z.literal('view_submission'),
    user,
    team: workspace,
    enterprise: workspace,
    view: z.object({
      callback_id: z.literal(REJECT_VIEW),
      private_metadata: z.string(),
      state: z.object({ values: z.record(z.string(), z.record(z.string(), z.object({ value: z.string().nullish() }))) }),
    }),
  }),
]);

export type Interaction = z.output<typeof interaction>;

/** Reads the form Slack sends, `payload=` and JSON; null for what is none of ours. */
export function readInteraction(body: Buffer): Interaction | null {
  const payload = new URLSearchParams(body.toString('utf8')).get('payload');
  if (payload === null) return null;
  try {
    const parsed = interaction.safeParse(JSON.parse(payload));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
