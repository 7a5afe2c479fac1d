import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeFrame, encodeGroup } from './frame';

const HEADER_BYTES = 24;

test('a group is leaves and a commit, and its checksums are CRC-32 as every version has written them', () => {
  const bodies = ['{}', '{"entry":"straße"}', 'x'.repeat(70_000)].map((text) => Buffer.from(text));
  const words = Buffer.from('0123456789abcdeffedcba9876543210', 'hex');
  const values = { sealed: { keyId: 'vky_1', box: Buffer.from('box') }, words };
  const first = 2 ** 33 - 1;
  // A copy: the next group is written into the same room.
  const group = Buffer.from(
    encodeGroup(
      first,
      bodies.map((bytes, at) => ({ bytes, values: at === 1 ? values : null })),
      '{"v":1}',
    ),
  );
  encodeGroup(0, [{ bytes: Buffer.alloc(group.length, 'y'), values: null }], '');
  let at = 0;
  for (const [index, body] of [...bodies, Buffer.from('{"v":1}')].entries()) {
    const header = group.subarray(at, at + HEADER_BYTES);
    const summed = Buffer.concat([header.subarray(0, 12), header.subarray(16), body]);
    expect(header.readUInt32BE(12)).toBe(crc32(summed));
    const frame = decodeFrame(group, at);
    expect(frame).toMatchObject(
      index < bodies.length
        ? { kind: 'leaf', index: first + index, leaf: body, values: index === 1 ? values : 'none' }
        : { kind: 'commit', index: first + index, state: '{"v":1}' },
    );
    at += 'sizeBytes' in frame ? frame.sizeBytes : Number.NaN;
  }
  expect(at).toBe(group.length);
});
