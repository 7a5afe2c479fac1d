import type { TransactionStatus } from '../wire/messages';

export type BlockOutcome = 'committed' | 'rolledBack' | 'unknown';

export interface EndedBlock {
  id: string;
  outcome: BlockOutcome;
  /** That were forwarded in it, those that begin and end it included. */
  statements: number;
}

interface Block {
  id: string;
  statements: number;
}

/**
 * Which transaction block each statement is in, said when it is forwarded, and how each block ended, said when the server has. In between
 * stand pipelines, where a BEGIN may turn out never to have happened: what the server says at rest puts that right. Pure.
 */
export class TransactionBlocks {
  readonly #newId: () => string;
  /** The block that what is forwarded now is in. */
  #current: Block | null = null;
  /** Blocks whose end is on its way. */
  #ending: Block[] = [];

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  /** The block of a statement that is not forwarded yet, or never will be. @param status as the server last said, where it owes nothing; else null */
  of(status: TransactionStatus | null): string | null {
    if (this.#current === null && status !== null && status !== 'I') this.#current = this.#begin();
    return this.#current?.id ?? null;
  }

  /** A statement goes on its way. @param commands its command words @returns the block it is in, that it begins or that it ends */
  forwarded(commands: readonly string[], status: TransactionStatus | null): string | null {
    this.of(status);
    if (this.#current === null && commands.some((word) => word === 'BEGIN' || word === 'START TRANSACTION')) this.#current = this.#begin();
    const block = this.#current;
    if (block === null) return null;
    block.statements++;
    if (commands.some((word) => ENDS.has(word))) {
      this.#ending.push(block);
      this.#current = null;
    }
    return block.id;
  }

  /** The server's own word for a statement that is done. ROLLBACK TO says ROLLBACK too. */
  done(tag: string, commands: readonly string[]): EndedBlock | null {
    if (commands.includes('ROLLBACK TO')) return null;
    if (tag === 'COMMIT') return this.#end('committed');
    if (tag === 'ROLLBACK') return this.#end('rolledBack');
    // Whether it is committed some other session decides.
    return tag === 'PREPARE TRANSACTION' ? this.#end('unknown') : null;
  }

  /** The server owes nothing and says where it is. Blocks it knows nothing of never were, or were rolled back with what failed. */
  atRest(status: TransactionStatus): EndedBlock[] {
    if (status === 'I') return this.#all('rolledBack');
    // The end that was sent was not reached: the block is still open.
    this.#current ??= this.#ending.pop() ?? null;
    const left = this.#ending;
    this.#ending = [];
    return left.map((block) => ended(block, 'unknown'));
  }

  /** @param sure the server was at rest: it rolls back what is open */
  closed(sure: boolean): EndedBlock[] {
    return this.#all(sure ? 'rolledBack' : 'unknown');
  }

  #begin(): Block {
    return { id: this.#newId(), statements: 0 };
  }

  #end(outcome: BlockOutcome): EndedBlock | null {
    let block = this.#ending.shift() ?? null;
    if (block === null) {
      block = this.#current;
      this.#current = null;
    }
    return block === null ? null : ended(block, outcome);
  }

  #all(outcome: BlockOutcome): EndedBlock[] {
    const blocks = this.#current === null ? this.#ending : [...this.#ending, this.#current];
    this.#ending = [];
    this.#current = null;
    return blocks.map((block) => ended(block, outcome));
  }
}

const ENDS: ReadonlySet<string> = new Set(['COMMIT', 'ROLLBACK', 'PREPARE TRANSACTION']);

const ended = ({ id, statements }: Block, outcome: BlockOutcome): EndedBlock => ({ id, outcome, statements });
