import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { checksumOf } from './checksum';

test('is what zlib says, for every length, wherever the bytes stand and whatever stood before them', () => {
  const bytes = randomBytes(1_000);
  for (let length = 0; length <= 500; length++) {
    const from = length % 7;
    for (const before of [0, 1, 0xffffffff, 0x80000000, crc32('before')])
      expect(checksumOf(bytes, from, from + length, before)).toBe(crc32(bytes.subarray(from, from + length), before));
  }
  expect(checksumOf(Buffer.from('123456789'), 0, 9)).toBe(0xcbf43926);
});
