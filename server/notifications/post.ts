import { withDeadline } from '../../proxy/outgoing/deadline';
import { failureWords, type Outcome } from './outcome';

const TIMEOUT_MS = 10_000;
/** Of an answer more than this is not read; receivers have little to say. */
const MOST_ANSWER_BYTES = 64 * 1024;

export interface Answer {
  status: number;
  /** The Retry-After header, in milliseconds. */
  askedMs: number | null;
  text: string;
}

/** Sends one POST: no redirect is followed, no answer waited for longer than ten seconds. A failure is an outcome, never thrown. */
export async function post(
  url: string,
  request: { headers: Record<string, string>; body: string; signal: AbortSignal },
): Promise<{ answer: Answer } | { failed: Outcome }> {
  try {
    return await withDeadline(request.signal, TIMEOUT_MS, async (signal) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'user-agent': 'Gatehouse', ...request.headers },
        body: request.body,
        redirect: 'manual',
        signal,
      });
      const text = await readSome(response);
      return { answer: { status: response.status, askedMs: retryAfterMs(response.headers.get('retry-after')), text } };
    });
  } catch (error) {
    return { failed: { kind: 'retry', error: failureWords(error, TIMEOUT_MS) } };
  }
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
  return Buffer.concat(chunks).subarray(0, MOST_ANSWER_BYTES).toString('utf8');
}

/** Seconds or a date (RFC 9110 §10.2.3). */
function retryAfterMs(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}
