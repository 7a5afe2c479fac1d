import type { RowMask } from '../masking/rows';

/** 2^12 registers of one byte: about 1.6 % off for many values, nearly exact for a few. */
const INDEX_BITS = 12;
export const SKETCH_BYTES = 1 << INDEX_BITS;
const ALPHA = 0.7213 / (1 + 1.079 / SKETCH_BYTES);

/**
 * How many distinct values were seen, in 4 KiB (HyperLogLog, Flajolet et al. 2007, with linear counting for few). It holds how rare the
 * hashes were, never a value or a hash; the hash is keyed, so that nobody can choose values that fall together.
 */
export class DistinctValues {
  readonly registers: Buffer;
  readonly #key: readonly [number, number];
  /** The sum of 2^-register, kept as registers grow, and how many are still empty. */
  #sum = SKETCH_BYTES;
  #empty = SKETCH_BYTES;

  /** @param key at least 8 secret bytes */
  constructor(key: Buffer) {
    this.registers = Buffer.alloc(SKETCH_BYTES);
    this.#key = [key.readInt32LE(0), key.readInt32LE(4)];
  }

  get count(): number {
    const estimate = (ALPHA * SKETCH_BYTES * SKETCH_BYTES) / this.#sum;
    if (estimate > 2.5 * SKETCH_BYTES || this.#empty === 0) return Math.round(estimate);
    return Math.round(SKETCH_BYTES * Math.log(SKETCH_BYTES / this.#empty));
  }

  /** One value: `bytes[start..end)`. Nothing is allocated. */
  add(bytes: Buffer, start: number, end: number): void {
    const [keyA, keyB] = this.#key;
    let a = keyA;
    let b = keyB;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] ?? 0;
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b ^ byte, 0x85ebca6b) + a;
    }
    a = mix(a ^ (end - start));
    this.#grow(a >>> (32 - INDEX_BITS), Math.clz32(mix(b ^ a)) + 1);
  }

  /** The masked cells of one DataRow. A row that is not as described is left to whoever masks it. */
  addRow(row: Buffer, masks: RowMask): void {
    let position = 7;
    for (let i = 0; i < masks.length && position + 4 <= row.length; i++) {
      const length = row.readInt32BE(position);
      const end = position + 4 + Math.max(length, 0);
      if (end > row.length) return;
      if (masks[i] != null && length >= 0) this.add(row, position + 4, end);
      position = end;
    }
  }

  /** What others have seen. Registers of another size are none of ours. */
  merge(registers: Buffer): void {
    if (registers.length !== SKETCH_BYTES) return;
    for (let i = 0; i < SKETCH_BYTES; i++) this.#grow(i, registers[i] ?? 0);
  }

  clear(): void {
    this.registers.fill(0);
    this.#sum = SKETCH_BYTES;
    this.#empty = SKETCH_BYTES;
  }

  #grow(index: number, rank: number): void {
    const before = this.registers[index] ?? 0;
    if (rank <= before) return;
    this.registers[index] = rank;
    this.#sum += 2 ** -rank - 2 ** -before;
    if (before === 0) this.#empty--;
  }
}

/** MurmurHash3's finalizer: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
