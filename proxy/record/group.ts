import { leafHash } from '../tlog/hash';
import { finishFrame, HEADER_BYTES, putCommit, putLeaf, roomForCommit, roomForLeaf } from './frame';
import type { SealedValues } from './leaf';
import type { Pieces } from './leafText';

export interface NewLeaf {
  /** Canonical JSON of the leaf. */
  text: Pieces;
  values: { sealed: SealedValues; words: Buffer } | null;
}

const ROOM_BYTES = 64 * 1024;
/** A round of the journals fits with ease; what is larger is not kept. */
const KEPT_BYTES = 16 * 1024 * 1024;

/**
 * Leaves that go into the log together, as bytes from the moment each is added: a thousand of them wait for their one write, and as objects
 * the collector would move them from place to place meanwhile.
 */
export class LeafGroup {
  #bytes = Buffer.alloc(0);
  #end = 0;
  /** Where the frame of each leaf begins. */
  readonly #starts: number[] = [];

  static of(leaves: Iterable<NewLeaf>): LeafGroup {
    const group = new LeafGroup();
    for (const leaf of leaves) group.add(leaf);
    return group;
  }

  get count(): number {
    return this.#starts.length;
  }

  add({ text, values }: NewLeaf): void {
    this.#reserve(roomForLeaf(text, values));
    this.#starts.push(this.#end);
    this.#end = putLeaf(this.#bytes, this.#end, text, values);
  }

  /**
   * The group as it stands in the log when entry `first` is its first: its leaves and the frame that ends it. The bytes are the group's own,
   * as they are until it changes.
   */
  frames(first: number, state: string): Buffer {
    for (const [at, start] of this.#starts.entries()) finishFrame(this.#bytes, start, first + at);
    this.#reserve(roomForCommit(state));
    const end = putCommit(this.#bytes, this.#end, state);
    finishFrame(this.#bytes, this.#end, first + this.count);
    return this.#bytes.subarray(0, end);
  }

  /** Hashes of its leaves. */
  *hashes(): Generator<Buffer> {
    for (const start of this.#starts) {
      const body = start + HEADER_BYTES;
      yield leafHash(this.#bytes.subarray(body, body + this.#bytes.readUInt32BE(start + 4)));
    }
  }

  clear(): void {
    this.#starts.length = 0;
    this.#end = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.alloc(0);
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(ROOM_BYTES, this.#bytes.length * 2, this.#end + count));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}
