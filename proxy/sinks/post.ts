import { withDeadline } from '../outgoing/deadline';
import { SinkError } from './sink';

const TIMEOUT_MS = 15_000;
const MOST_ANSWER_BYTES = 64 * 1024;

/**
 * One POST of a batch; no redirect is followed. Resolves with the beginning of the answer once it is a success.
 * @throws SinkError refused for 400, 413 and 422, where another try of the same bytes is in vain; everything else may get better by itself
 */
export async function postBatch(
  url: string,
  request: { headers: Record<string, string>; body: string; signal: AbortSignal },
): Promise<string> {
  let response: Response;
  let text: string;
  try {
    [response, text] = await withDeadline(request.signal, TIMEOUT_MS, async (signal) => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'user-agent': 'Gatehouse', 'content-type': 'application/json', ...request.headers },
        body: request.body,
        redirect: 'manual',
        signal,
      });
      return [answer, await readSome(answer)];
    });
  } catch (error) {
    throw new SinkError(unreachable(error));
  }
  if (response.ok) return text;
  const { status } = response;
  if (status >= 300 && status < 400)
    throw new SinkError(`answered with a redirect (${status}), which is not followed: give the final address`);
  if (status === 400 || status === 413 || status === 422) throw new SinkError(`refused with ${status}`, 'refused');
  throw new SinkError(`answered ${status}`, 'retry', { askedMs: retryAfterMs(response.headers.get('retry-after')) });
}

async function readSome(response: Response): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MOST_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** By the system's code alone: messages of fetch quote the address, and with it what may stand in it. */
export function unreachable(error: unknown): string {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1_000} s`;
    if ('code' in cause && typeof cause.code === 'string') return `could not be reached (${cause.code})`;
  }
  return 'could not be reached';
}

/** Seconds (RFC 9110 §10.2.3); dates are not asked for by any receiver of ours. */
const retryAfterMs = (header: string | null): number | null =>
  header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
