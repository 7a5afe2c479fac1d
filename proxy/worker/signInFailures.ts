import type { SignInFailedEntry } from '../journal/entries';

const WINDOW_MS = 10_000;
/** Of one window; whoever tries more often is counted. */
const MOST_IN_WINDOW = 50;

/** Failed sign-ins on their way into the journal: a flood of them becomes numbers, so that it cannot fill the disk. */
export class SignInFailures {
  readonly #record: (entry: SignInFailedEntry) => void;
  #recorded = 0;
  #counted = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(record: (entry: SignInFailedEntry) => void) {
    this.#record = record;
  }

  add(entry: SignInFailedEntry): void {
    if (this.#timer === null) {
      this.#timer = setTimeout(() => this.close(), WINDOW_MS);
      this.#timer.unref();
    }
    if (this.#recorded < MOST_IN_WINDOW) {
      this.#recorded++;
      this.#record(entry);
    } else this.#counted++;
  }

  /** The window is over: says how many were not recorded. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#recorded = 0;
    const count = this.#counted;
    this.#counted = 0;
    if (count === 0) return;
    this.#record({
      type: 'signInFailed',
      atMs: Date.now(),
      count,
      principalName: '',
      connectionName: '',
      clientAddress: '',
      sqlstate: '',
      reason: `${count} further failed sign-ins within ${WINDOW_MS / 1_000} s were not recorded one by one`,
    });
  }
}
