import fc from 'fast-check';
import { Frontend } from '../wire/messages';

/** What may happen to the bytes of a stream of messages; `at` picks a message, `place` a byte of it, each counted round. */
export type Mutation =
  | { kind: 'flip'; at: number; place: number; bit: number }
  | { kind: 'length'; at: number; value: number }
  /** The length is a little wrong. */
  | { kind: 'off'; at: number; by: number }
  | { kind: 'count'; at: number; place: number; value: number }
  | { kind: 'type'; at: number; value: number }
  | { kind: 'cut'; at: number; place: number }
  | { kind: 'insert'; at: number; place: number; bytes: readonly number[] }
  | { kind: 'double' | 'swap' | 'drop'; at: number };

const at = fc.nat(1_000);
const place = fc.nat(1_000);

export const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at, place, bit: fc.nat(7) }),
    fc.record({
      kind: fc.constant('length' as const),
      at,
      value: fc.constantFrom(0, 3, 4, 5, 0x7fffffff, 0xffffffff, 0x3fffffff, 0x10000, 5_000),
    }),
    fc.record({ kind: fc.constant('off' as const), at, by: fc.constantFrom(-4, -2, -1, 1, 2, 5) }),
    fc.record({ kind: fc.constant('count' as const), at, place, value: fc.constantFrom(0, 1, 2, 0x7fff, 0xffff) }),
    fc.record({ kind: fc.constant('type' as const), at, value: fc.oneof(fc.nat(255), fc.constantFrom(...Object.values(Frontend))) }),
    fc.record({ kind: fc.constant('cut' as const), at, place }),
    fc.record({ kind: fc.constant('insert' as const), at, place, bytes: fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }) }),
    fc.record({ kind: fc.constantFrom('double' as const, 'swap' as const, 'drop' as const), at }),
  ),
  { minLength: 1, maxLength: 3 },
);

/** The messages with these mutations made; the ones they were made to need not be messages any more. */
export function mutate(messages: readonly Buffer[], list: readonly Mutation[]): Buffer[] {
  const out: Buffer[] = messages.map((message) => Buffer.from(message));
  for (const mutation of list) {
    if (out.length === 0) break;
    const index = mutation.at % out.length;
    const message = out[index] ?? Buffer.alloc(0);
    if (message.length >= 5) out.splice(index, 1, ...mutated(message, mutation));
    const behind = out[index + 1];
    if (mutation.kind === 'swap' && behind !== undefined) out.splice(index, 2, behind, message);
  }
  return out;
}

function mutated(message: Buffer, mutation: Mutation): Buffer[] {
  switch (mutation.kind) {
    case 'flip': {
      const place = mutation.place % message.length;
      message.writeUInt8(message.readUInt8(place) ^ (1 << mutation.bit), place);
      return [message];
    }
    case 'length':
      message.writeUInt32BE(mutation.value, 1);
      return [message];
    case 'off':
      message.writeUInt32BE((message.readUInt32BE(1) + mutation.by) >>> 0, 1);
      return [message];
    case 'count':
      if (message.length > 6) message.writeUInt16BE(mutation.value, 5 + (mutation.place % (message.length - 6)));
      return [message];
    case 'type':
      message.writeUInt8(mutation.value, 0);
      return [message];
    case 'cut':
      return [message.subarray(0, mutation.place % message.length)];
    case 'insert': {
      const place = mutation.place % (message.length + 1);
      return [Buffer.concat([message.subarray(0, place), Buffer.from(mutation.bytes), message.subarray(place)])];
    }
    case 'double':
      return [message, Buffer.from(message)];
    case 'swap':
      return [message];
    case 'drop':
      return [];
    default:
      return mutation satisfies never;
  }
}
