import { z } from 'zod';

export const REJECT_VIEW = 'gatehouse_reject_reason';
export const REASON_BLOCK = 'reason';
const REASON_INPUT = 'text';

/** What the form brings back: what is rejected, and where to say that it was not. */
const metadata = z.object({ id: z.string().max(64), responseUrl: z.string().max(2_000).nullable() });

/** The form that asks for the reason of a rejection: the client sees it. */
export function reasonModal(id: string, responseUrl: string | null): object {
  return {
    type: 'modal',
    callback_id: REJECT_VIEW,
    private_metadata: JSON.stringify({ id, responseUrl }),
    title: { type: 'plain_text', text: 'Reject request' },
    submit: { type: 'plain_text', text: 'Reject' },
    close: { type: 'plain_text', text: 'Cancel' },
    blocks: [
      {
        type: 'input',
        block_id: REASON_BLOCK,
        label: { type: 'plain_text', text: 'Reason' },
        hint: { type: 'plain_text', text: 'Whoever asked sees it.' },
        element: { type: 'plain_text_input', action_id: REASON_INPUT, multiline: true, min_length: 1, max_length: 1_000 },
      },
    ],
  };
}

export function readReason(view: {
  private_metadata: string;
  state: { values: Record<string, Record<string, { value?: string | null | undefined }>> };
}): { id: string; responseUrl: string | null; reason: string } | null {
  try {
    const parsed = metadata.safeParse(JSON.parse(view.private_metadata));
    return parsed.success ? { ...parsed.data, reason: view.state.values[REASON_BLOCK]?.[REASON_INPUT]?.value ?? '' } : null;
  } catch {
    return null;
  }
}
