/**
 * What became of one try. `error` is a few words for the console: no secret, no address that is one, and of the receiver's answer nothing
 * but its status or its error code.
 */
export type Outcome =
  | { kind: 'delivered' }
  | { kind: 'retry'; error: string; askedMs?: number | null }
  | { kind: 'dead'; error: string }
  /** The receiver says it is gone for good: the channel is switched off. */
  | { kind: 'gone'; error: string };

/** What an answer's status means to a sender who knows nothing else of the receiver. */
export function outcomeOfStatus(status: number, askedMs: number | null): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status >= 300 && status < 400)
    return { kind: 'dead', error: `answered with a redirect (${status}), which is not followed: give the final address` };
  if (status === 410) return { kind: 'gone', error: 'answered 410 Gone' };
  if (status === 408 || status === 425 || status === 429) return { kind: 'retry', error: `answered ${status}`, askedMs };
  if (status >= 400 && status < 500) return { kind: 'dead', error: `refused with ${status}` };
  return { kind: 'retry', error: `answered ${status}`, askedMs };
}

/** What kept an answer from coming, without the address it was sent to. */
export function failureWords(error: unknown, timeoutMs: number): string {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'TimeoutError') return `no answer within ${timeoutMs / 1_000} s`;
    if ('code' in cause && typeof cause.code === 'string') return `could not be reached (${cause.code})`;
  }
  return 'could not be reached';
}
