import type { JournalPosition } from '../journal/read';
import type { AppendLog } from './appendLog';
import { LeafGroup } from './group';

/**
 * What the recorder has to know to go on. It stands in the log itself, at the end of each group: entries and the place they came from are on
 * disk together or not at all, so that each is taken exactly once.
 */
export interface RecorderState {
  v: 1;
  /** How far each journal was taken. */
  journals: Readonly<Record<string, JournalPosition>>;
  /** Actions of the store that are in the log, and where; the store was not told yet. */
  actions: readonly (readonly [id: string, index: number])[];
  /** Sizes of the newest checkpoints of other nodes that were quoted. */
  quoted: Readonly<Record<string, number>>;
}

const BEGINNING: RecorderState = { v: 1, journals: {}, actions: [], quoted: {} };

/** @throws Error when a newer version wrote it */
export function readState(text: string): RecorderState {
  if (text === '') return BEGINNING;
  const state = JSON.parse(text) as RecorderState;
  if (state.v !== 1) throw new Error('the record was written by a newer version of Gatehouse; run that version');
  return state;
}

/** What is to be changed of the state; `first` is the index of the first entry that comes with it. */
type Change = (state: RecorderState, first: number) => Partial<RecorderState>;

/** Appends to the log and keeps the state that stands in it. */
export class Ledger {
  #state: RecorderState;
  /** What was appended before: of two that come at once, each changes what the other has left. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly log: AppendLog) {
    this.#state = readState(log.state);
  }

  get state(): RecorderState {
    return this.#state;
  }

  /**
   * Appends a group with what it changes of the state, as that is when its turn comes.
   * @throws Error when it is not on disk; nothing has changed then
   */
  append(group: LeafGroup, change: Change): Promise<number> {
    const appended = this.#last.then(() => this.#append(group, change));
    this.#last = appended.catch(() => undefined);
    return appended;
  }

  async #append(group: LeafGroup, change: Change): Promise<number> {
    const state = { ...this.#state, ...change(this.#state, this.log.size) };
    const first = await this.log.append(group, JSON.stringify(state));
    this.#state = state;
    return first;
  }

  /** Changes what it knows, and appends no entry. @throws Error as append does */
  async note(change: Change): Promise<void> {
    await this.append(new LeafGroup(), change);
  }
}
