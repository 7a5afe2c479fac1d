import type { JournalEntry } from '../journal/entries';
import type { LogReader, LogRecord } from './leaf';
import { LogDamagedError } from './readLog';

/** Statements that may still have results to come; the oldest is forgotten first. */
const MAX_KNOWN = 50_000;
/** So far back a statement is looked for that has results to come after a restart. */
const TAIL_ENTRIES = 20_000;

/** Whose values an entry holds: a recorded result names its statement alone. */
export class PrincipalsOfStatements {
  readonly #known = new Map<string, string>();

  constructor(log: Pick<LogReader, 'first' | 'size' | 'read'>) {
    for (let from = Math.max(log.first, log.size - TAIL_ENTRIES); from < log.size; ) {
      const records = readOver(log, from);
      for (const { leaf } of records.found)
        if (leaf.entry.type === 'statement') this.#note(String(leaf.entry.id), String(leaf.entry.principalName));
      from = records.next;
    }
  }

  /** Null: the entry holds no values. */
  of(entry: JournalEntry): string | null {
    if (entry.type === 'statement') {
      this.#note(entry.id, entry.principalName);
      return entry.principalName;
    }
    // One that nobody knows any more is still sealed, under a name that no principal can have.
    return entry.type === 'result' ? (this.#known.get(entry.id) ?? '') : null;
  }

  #note(id: string, principal: string): void {
    this.#known.set(id, principal);
    if (this.#known.size <= MAX_KNOWN) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

/** Entries from a place on; where they are damaged, none, and the place to go on from. */
export function readOver(
  log: Pick<LogReader, 'read'>,
  from: number,
  limit = 1_000,
): { found: LogRecord[]; next: number; damage?: LogDamagedError } {
  try {
    const found = log.read(from, limit);
    return { found, next: from + Math.max(found.length, 1) };
  } catch (error) {
    if (!(error instanceof LogDamagedError)) throw error;
    return { found: [], next: error.to, damage: error };
  }
}
