import { newPart, type SharedPart } from '../../proxy/journal/definitions';
import { openJournal } from '../../proxy/journal/write';
import { traffic } from './traffic';

/** Entries between two turns: what a busy worker gathers. */
const A_TURN = 64;

/** Writes traffic as a worker does, each text new; resolves when the journal is closed. */
export async function writeJournal(dataDir: string, name: string, count: number, startMs: number): Promise<void> {
  const journal = openJournal(dataDir, name);
  const sessions = new Map<string, SharedPart>();
  let written = 0;
  for (const entry of traffic(count, startMs, 20_000)) {
    if (entry.type === 'statement') {
      const session = sessions.get(entry.sessionId) ?? newPart();
      sessions.set(entry.sessionId, session);
      journal.append(entry, { session, statement: newPart() });
    } else journal.append(entry);
    if (++written % A_TURN === 0) await new Promise(setImmediate);
  }
  journal.close();
}
