import type { Spliced } from '../masking/rewrite/splice';
import type { ColumnDescription } from '../wire/backend';
import type { WireError } from '../wire/errors';
import type { Execution } from './execution';
import type { Change, Portal, PreparedStatement } from './names';

/**
 * One message that went upstream and is owed an answer, in the order the answers will come. local: the gateway asked, the client does not
 * see the answer.
 */
export type Reply =
  | { op: 'parse'; name: string; change: Change; spliced: Spliced | null }
  | { op: 'bind'; change: Change; spliced: Spliced | null }
  | { op: 'close'; change: Change; local: boolean }
  | { op: 'describe'; statement: PreparedStatement | null; portal: Portal | null; local: boolean }
  /** execution is null for an empty statement, which runs nothing. */
  | { op: 'execute'; execution: Execution | null; portal: Portal | null }
  | { op: 'query'; executions: readonly Execution[]; index: number; changes: readonly Change[] }
  /** One statement of a simple text, sent as Parse, Bind, Describe and Execute: the client sees what a Query would answer. */
  | { op: 'step'; execution: Execution; last: boolean }
  /** A question of the gateway's own (proxy/session/ask.ts): five messages whose answers the client does not see. */
  | { op: 'ask'; asked: Asked; closes: number }
  /** `column` describes the value it is answered with, which the server does not. */
  | { op: 'call'; execution: Execution; column: ColumnDescription }
  /** A text sent only so that the server says what is wrong with it. */
  | { op: 'probe'; changes: readonly Change[] }
  /** A message made to fail at exactly this place. */
  | { op: 'poison'; shown: ShownError; changes: readonly Change[] }
  /** undoes: behind a message made to fail, so that what ran is rolled back; the client knows of neither. */
  | { op: 'sync'; local: boolean; undoes?: true };

/** Told the one cell of the answer to a question, null for none or SQL NULL, when all of the answer is there. */
export interface Asked {
  cell: string | null;
  /** Characters of ours in front of the client's own text, for positions in errors. */
  prefix: number;
  answered(cell: string | null): void;
}

/** What the client sees of an error that the gateway brought about: ours, or the server's own with the name the client used. */
export type ShownError = { kind: 'nothing' } | { kind: 'ours'; error: WireError } | { kind: 'renamed'; from: string; to: string };

/**
 * What the server owes, first in first out. After an error the server ignores everything up to the next Sync, a simple Query included
 * (chapter 54.2.3), so those answers will never come.
 */
export class ReplyQueue {
  #queue: (Reply | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#queue.length - this.#head;
  }

  get head(): Reply | undefined {
    return this.#queue[this.#head];
  }

  /** Something of the extended protocol is owed in front of no Sync: should it fail, what follows is ignored. */
  get mayYetSkip(): boolean {
    const last = this.#queue.findLast((reply) => reply === undefined || (reply.op !== 'query' && reply.op !== 'call'));
    return last !== undefined && last.op !== 'sync';
  }

  /** Behind the head nothing but what stands or falls with it: the messages up to one Sync. */
  get endsWithHead(): boolean {
    const { head } = this;
    if (head === undefined) return false;
    if (head.op === 'query' || head.op === 'call') return this.length === 1;
    const sync = this.#queue.findIndex((reply) => reply?.op === 'sync');
    return sync < 0 ? !this.#queue.some((reply) => reply?.op === 'query' || reply?.op === 'call') : sync === this.#queue.length - 1;
  }

  push(reply: Reply): void {
    this.#queue.push(reply);
  }

  shift(): Reply | undefined {
    const reply = this.#queue[this.#head];
    if (reply === undefined) return undefined;
    this.#queue[this.#head++] = undefined;
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return reply;
  }

  /** Takes out all that stands in front of the next Sync, in order; `found` tells whether there is one. */
  discardToSync(): { discarded: Reply[]; found: boolean } {
    const discarded: Reply[] = [];
    for (let reply = this.head; reply !== undefined; reply = this.head) {
      if (reply.op === 'sync') return { discarded, found: true };
      discarded.push(reply);
      this.shift();
    }
    return { discarded, found: false };
  }

  /** Takes out the Syncs right behind the head: inside COPY the server ignores them. */
  dropSyncsBehindHead(): void {
    while (this.length > 1 && this.#queue[this.#head + 1]?.op === 'sync') this.#queue.splice(this.#head + 1, 1);
  }

  /** Everything still owed, for the record when the server is gone. */
  drain(): Reply[] {
    const rest: Reply[] = [];
    for (let reply = this.shift(); reply !== undefined; reply = this.shift()) rest.push(reply);
    return rest;
  }
}
