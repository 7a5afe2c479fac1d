import type { ToSupervisor, ToWorker } from '../../proxy/worker/messages';

/**
 * Hands a worker's unknown cancel keys to all other workers, and tells it when each of them has dealt with its one: only then may the
 * cancel's connection close, which is how a client knows that its next statement is safe (PQcancel waits for it).
 */
export function createCancelRelay<Slot>(send: (to: Slot, message: ToWorker) => void) {
  const open = new Map<string, { from: Slot; id: string; waitsFor: Set<Slot> }>();
  let last = 0;

  const settle = (ticket: string) => {
    const found = open.get(ticket);
    if (found === undefined || found.waitsFor.size > 0) return;
    open.delete(ticket);
    send(found.from, { type: 'cancelDone', id: found.id });
  };

  return {
    ask(from: Slot, others: readonly Slot[], { id, processId, secret }: Extract<ToSupervisor, { type: 'cancel' }>): void {
      const ticket = String(++last);
      open.set(ticket, { from, id, waitsFor: new Set(others) });
      for (const other of others) send(other, { type: 'cancel', id: ticket, processId, secret });
      settle(ticket);
    },
    done(by: Slot, ticket: string): void {
      open.get(ticket)?.waitsFor.delete(by);
      settle(ticket);
    },
    /** A worker died: nobody waits for it. */
    gone(slot: Slot): void {
      for (const [ticket, { waitsFor, from }] of open) {
        if (from === slot) open.delete(ticket);
        else if (waitsFor.delete(slot)) settle(ticket);
      }
    },
  };
}
