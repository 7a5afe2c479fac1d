/**
 * Runs `work` with a signal that aborts after `ms` with a TimeoutError, or when `stop` does. Not AbortSignal.any: in Node 20 the signal it
 * makes is collected while it is waited for, and then never aborts.
 */
export async function withDeadline<T>(stop: AbortSignal, ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onStop = () => controller.abort(stop.reason);
  const timer = setTimeout(() => controller.abort(new DOMException('the time is up', 'TimeoutError')), ms);
  if (stop.aborted) onStop();
  stop.addEventListener('abort', onStop);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    stop.removeEventListener('abort', onStop);
  }
}
