import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { leafHash } from '../tlog/hash';
import { decodeFrame } from './frame';
import { LeafGroup } from './group';

const HEADER_BYTES = 24;

test('a group is leaves and a commit, and its checksums are CRC-32 as every version has written them', () => {
  const texts = ['{}', '{"entry":"straße"}', 'x'.repeat(70_000)];
  const words = Buffer.from('0123456789abcdeffedcba9876543210', 'hex');
  const values = { sealed: { keyId: 'vky_1', box: Buffer.from('box') }, words };
  const first = 2 ** 33 - 1;
  const leaves = texts.map((text, at) => ({
    text: at === 0 ? [text] : [text.slice(0, 7), Buffer.from(text.slice(7))],
    values: at === 1 ? values : null,
  }));
  const written = LeafGroup.of(leaves);
  // As when the disk had no room for it at first.
  written.frames(7, '{"v":1,"other":"state"}');
  const group = written.frames(first, '{"v":1}');
  let at = 0;
  for (const [index, body] of [...texts, '{"v":1}'].map((text) => Buffer.from(text)).entries()) {
    const header = group.subarray(at, at + HEADER_BYTES);
    const summed = Buffer.concat([header.subarray(0, 12), header.subarray(16), body]);
    expect(header.readUInt32BE(12)).toBe(crc32(summed));
    const frame = decodeFrame(group, at);
    expect(frame).toMatchObject(
      index < texts.length
        ? { kind: 'leaf', index: first + index, leaf: body, values: index === 1 ? values : 'none' }
        : { kind: 'commit', index: first + index, state: '{"v":1}' },
    );
    at += 'sizeBytes' in frame ? frame.sizeBytes : Number.NaN;
  }
  expect(at).toBe(group.length);
  expect([...written.hashes()]).toEqual(texts.map((text) => leafHash(Buffer.from(text))));

  // Its room is used again, for nothing of what stood there.
  const before = Buffer.from(group);
  written.clear();
  expect(written.count).toBe(0);
  for (const leaf of leaves) written.add(leaf);
  expect(written.frames(first, '{"v":1}')).toEqual(before);
});
