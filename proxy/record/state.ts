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

/** Appends to the log and keeps the state that stands in it. */
export class Ledger {
  #state: RecorderState;

  constructor(readonly log: AppendLog) {
    this.#state = readState(log.state);
  }

  get state(): RecorderState {
    return this.#state;
  }

  /**
   * Appends a group with what it changes of the state; a function gets the index of its first entry.
   * @throws Error when it is not on disk; nothing has changed then
   */
  append(group: LeafGroup, change: Partial<RecorderState> | ((first: number) => Partial<RecorderState>)): number {
    const state = { ...this.#state, ...(typeof change === 'function' ? change(this.log.size) : change) };
    const first = this.log.append(group, JSON.stringify(state));
    this.#state = state;
    return first;
  }

  /** Changes what it knows, and appends no entry. @throws Error as append does */
  note(change: Partial<RecorderState>): void {
    this.append(new LeafGroup(), change);
  }
}
