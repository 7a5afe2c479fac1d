import { loadPrincipal } from '../../proxy/identity/principal';
import type { Actor, Call } from '../identity/actor';
import type { LiveRows } from './hub';
import { Mailbox } from './mailbox';
import { liveHub } from './start';

const CAPACITY = 1_000;

/** A missed event is worse than one seen twice: resuming looks this much further back than the client's last event. */
const OVERLAP_MS = 2_000;

/**
 * Follows one kind of event for a subscriber until `signal` aborts or the caller may no longer sign in. When the client names its last
 * event (the time it carried, in ms), what changed since is read first, after listening began, so that nothing falls in between.
 */
export async function* follow<K extends keyof LiveRows>(
  { store, actor }: Call,
  kind: K,
  signal: AbortSignal | undefined,
  resume: { lastEventId: string | null; since: (since: Date) => Promise<readonly LiveRows[K][]> },
): AsyncGenerator<{ eventId: string; row: LiveRows[K] }, void> {
  const mailbox = new Mailbox<LiveRows[K]>(CAPACITY);
  const onPolicy = () => {
    stillSignedIn(store, actor).then(
      (still) => still || mailbox.close(),
      () => mailbox.close(),
    );
  };
  const unsubscribe = await liveHub().subscribe(kind, (row) => mailbox.put(row.id, row), onPolicy);
  const onAbort = () => mailbox.close();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal?.aborted === true) return;
    const lastMs = Number(resume.lastEventId ?? Number.NaN);
    if (Number.isSafeInteger(lastMs)) for (const row of await resume.since(new Date(lastMs - OVERLAP_MS))) mailbox.put(row.id, row);
    for await (const row of mailbox.read()) yield { eventId: String(Date.now()), row };
  } finally {
    unsubscribe();
    signal?.removeEventListener('abort', onAbort);
  }
}

async function stillSignedIn(store: Call['store'], actor: Actor): Promise<boolean> {
  if (actor.id === null) return true;
  const principal = await loadPrincipal(store, actor.id);
  return principal !== null && principal.role === actor.role;
}
