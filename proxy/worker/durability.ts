import type { Journal } from '../journal/write';
import type { PolicySnapshot } from '../policy/types';
import type { SessionServices } from '../session/session';

export type Durability = 'written' | 'synced';

/** What a connection asks of its entries. One that was removed keeps what is asked of all. */
export function durabilityOf(policy: PolicySnapshot, connectionName: string): Durability {
  const durability = policy.connections.get(connectionName)?.audit ?? policy.durability ?? 'group';
  return durability === 'strict' ? 'synced' : 'written';
}

/**
 * Tells one session when what it recorded is there, in the order it asked. The journal tells of what is written before it tells of what is
 * still to be synced: where a policy asks for less from now on, what comes behind a sync waits for one too, or it would open the way for the
 * statement in front of it.
 */
export function recordedInOrder(journal: Pick<Journal, 'whenWritten'>, asked: () => Durability): SessionServices['whenRecorded'] {
  let syncing = 0;
  return (done) => {
    const how = syncing > 0 ? 'synced' : asked();
    if (how === 'written') return journal.whenWritten(how, done);
    syncing++;
    journal.whenWritten(how, (error) => {
      syncing--;
      done(error);
    });
  };
}
