import { Webhook } from 'standardwebhooks';
import { type Answer, answering } from './http';

export interface Heard {
  id: string;
  type: string;
  data: Record<string, unknown>;
  body: string;
  signatures: number;
}

/** A receiver that believes only what the Standard Webhooks library verifies with its secret; tests only. */
export async function webhookReceiver(options: { port?: number; secret?: string } = {}) {
  const heard: Heard[] = [];
  const refused: string[] = [];
  let secret = options.secret ?? '';
  let reply: (count: number) => Answer = () => ({ status: 204 });
  let count = 0;
  const server = await answering((request) => {
    count++;
    const answer = reply(count);
    if (answer.status >= 300) return answer;
    try {
      const event = new Webhook(secret).verify(request.body, request.headers) as { type: string; data: Record<string, unknown> };
      heard.push({
        id: request.headers['webhook-id'] ?? '',
        type: event.type,
        data: event.data,
        body: request.body,
        signatures: (request.headers['webhook-signature'] ?? '').split(' ').length,
      });
      return answer;
    } catch (error) {
      refused.push(error instanceof Error ? error.message : 'refused');
      return { status: 401 };
    }
  }, options.port);
  return {
    ...server,
    heard,
    refused,
    tries: () => count,
    expect(next: string) {
      secret = next;
    },
    /** What to answer to the n-th request, from 1; anything but 2xx is answered without looking at it. */
    answer(next: (count: number) => Answer) {
      count = 0;
      reply = next;
    },
  };
}
