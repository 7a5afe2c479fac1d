import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrontendFramer } from './framer';

const message = (type: string, body: number) => {
  const bytes = Buffer.alloc(5 + body, type === 'X' ? 0 : 0x58);
  bytes.write(type, 0, 'latin1');
  bytes.writeUInt32BE(4 + body, 1);
  return bytes;
};

test('goodbye is heard behind whatever waits, wherever the network cuts, and never inside a message', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: fc.constantFrom('Q', 'S', 'd'), body: fc.nat(30) }), { maxLength: 6 }),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
      fc.nat(3),
      (messages, leaves, cuts, taken) => {
        const stream = Buffer.concat([...messages.map(({ type, body }) => message(type, body)), ...(leaves ? [message('X', 0)] : [])]);
        const framer = new FrontendFramer(() => 20);
        let heard = false;
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const size = cuts[cut % cuts.length] ?? 1;
          framer.push(stream.subarray(at, at + size));
          at += size;
          if (cut < taken) framer.next();
          heard = framer.saysTerminate();
        }
        expect(heard).toBe(leaves && framer.bufferedBytes > 0);
      },
    ),
  );
});

test('a client that waits and sends single bytes costs what its bytes cost', () => {
  const framer = new FrontendFramer(() => 1_000_000);
  const from = performance.now();
  for (const bytes of [message('Q', 300_000), ...Array.from({ length: 2_000 }, () => message('S', 0))])
    for (let at = 0; at < bytes.length; at++) {
      framer.push(bytes.subarray(at, at + 1));
      if (framer.saysTerminate()) throw new Error('heard');
    }
  // Joined each time it was 45 gigabytes to copy.
  expect(performance.now() - from).toBeLessThan(4_000);
});
