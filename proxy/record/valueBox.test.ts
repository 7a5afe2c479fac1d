import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { opensCommitment } from '../tlog/commitment';
import { BoxMaker, openValues, type ValueKey } from './valueBox';

const newKey = (id = 'vky_1'): ValueKey => ({ id, key: randomBytes(32) });
const maker = new BoxMaker();
const derived = (key: Buffer, use: string) => Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), use, 32));

function boxOf(key: ValueKey, values: readonly (readonly [string, string])[], by = maker) {
  by.begin(randomBytes(16 * values.length));
  const commitments = values.map(([name, value]) => [name, by.put(name, value)] as const);
  return { commitments, sealed: by.seal(key, randomBytes) };
}

describe('a box', () => {
  test('gives back what was put in, whatever its size and whatever was sealed before, and each value opens its commitment', () => {
    const key = newKey();
    const value = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }), fc.nat(30_000)).map(([text, times]) => text.repeat(times)),
    );
    const values = fc.uniqueArray(fc.tuple(fc.constantFrom('sql', 'parameters', 'why', 'tried', 'rows'), value), {
      selector: ([name]) => name,
    });
    fc.assert(
      fc.property(values, (list) => {
        const { commitments, sealed } = boxOf(key, list);
        const opened = openValues(sealed, key.key);
        const read = Object.entries(opened).map(([name, [, text]]) => [name, text]);
        expect(read).toEqual(list.map(([name, text]) => [name, Buffer.from(text).toString()]));
        for (const [name, commitment] of commitments)
          expect(opensCommitment(commitment, opened[name]?.[0] ?? '', name, opened[name]?.[1] ?? '')).toBe(true);
      }),
    );
  });

  test('larger than the room that is kept, and small ones after it', () => {
    const key = newKey();
    for (const size of [10, 200_000, 3_000_000, 10, 20_000]) {
      const text = 'é'.repeat(size);
      expect(openValues(boxOf(key, [['sql', text]]).sealed, key.key).sql?.[1] === text).toBe(true);
    }
  });

  test('is AES-256 in counter mode and half of an HMAC-SHA-256, each with a key that HKDF makes', () => {
    const key = newKey();
    // The second is not the first of its stream.
    boxOf(key, [['why', 'x']]);
    const { box } = boxOf(key, [['sql', 'select 1']]).sealed;
    const tag = createHmac('sha256', derived(key.key, 'gatehouse values tag vky_1')).update(box.subarray(0, -16)).digest();
    expect(box.subarray(-16).equals(tag.subarray(0, 16))).toBe(true);
    const decipher = createDecipheriv('aes-256-ctr', derived(key.key, 'gatehouse values cipher'), box.subarray(0, 16));
    const clear = decipher.update(box.subarray(16, -16));
    expect(clear.readUInt32BE(0)).toBe(clear.length - 4);
    expect(clear.toString('latin1', 20)).toBe('sql\0select 1');
    expect(box.readUInt32BE(12)).toBe(Math.ceil((4 + 16 + 4 + 1) / 16));
  });

  test('no block of a stream is used twice, however many boxes there are and whoever makes them', () => {
    const key = newKey();
    const used = new Set<string>();
    const makers = [maker, new BoxMaker()];
    for (let at = 0; at < 5_000; at++) {
      const { box } = boxOf(key, [['sql', 'x'.repeat(at % 97 === 0 ? 40_000 : at % 300)]], makers[at % 2]).sealed;
      const [nonce, first] = [box.toString('hex', 0, 12), box.readUInt32BE(12)];
      for (let block = first; block < first + Math.ceil((box.length - 32) / 16); block++) {
        const name = `${nonce} ${block}`;
        expect(used.has(name)).toBe(false);
        used.add(name);
      }
    }
  });

  test('a value without a salt of its own is refused', () => {
    maker.begin(randomBytes(16));
    maker.put('sql', 'a');
    expect(() => maker.put('why', 'b')).toThrow('no salt');
  });

  test('cut anywhere, it does not open', () => {
    const key = newKey();
    const { sealed } = boxOf(key, [['sql', 'select 1']]);
    for (let length = 0; length < sealed.box.length; length++)
      expect(() => openValues({ ...sealed, box: sealed.box.subarray(0, length) }, key.key)).toThrow('do not open');
  });
});

test('a box of an earlier version opens, and not with a byte changed', () => {
  const { id, key } = newKey();
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(id));
  const text = cipher.update(JSON.stringify({ sql: ['c2FsdA==', 'select 1'] }));
  const box = Buffer.concat([nonce, text, cipher.final(), cipher.getAuthTag()]);
  expect(openValues({ keyId: id, box }, key)).toEqual({ sql: ['c2FsdA==', 'select 1'] });
  for (let at = 0; at < box.length; at++) {
    const changed = Buffer.from(box);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => openValues({ keyId: id, box: changed }, key)).toThrow('do not open');
  }
});
