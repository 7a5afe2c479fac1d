import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Out } from './out';

function outTo(): { out: Out; written: () => string; writes: Buffer[] } {
  const writes: Buffer[] = [];
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      writes.push(chunk);
      done();
    },
  });
  return { out: new Out(socket), writes, written: () => Buffer.concat(writes).toString() };
}

describe('the room for rewritten messages', () => {
  test('keeps its place among what is appended', () => {
    const { out, written } = outTo();
    out.append(Buffer.from('a'));
    out.room().text('b');
    out.room().text('c');
    out.append(Buffer.from('d'));
    out.room().text('e');
    out.flush();
    out.room().text('f');
    out.flush();
    expect(written()).toBe('abcdef');
  });

  test('is each session’s own, though all share it', () => {
    const [one, other] = [outTo(), outTo()];
    one.out.room().text('1');
    other.out.room().text('A');
    one.out.room().text('2');
    other.out.append(Buffer.from('B'));
    one.out.flush();
    other.out.flush();
    expect([one.written(), other.written()]).toEqual(['12', 'AB']);
  });

  test('what was handed over does not change when the room is used again', () => {
    const { out, writes } = outTo();
    out.room().text('first');
    out.flush();
    out.room().text('again');
    out.flush();
    expect(writes.map(String)).toEqual(['first', 'again']);
  });

  test('a row larger than the room is handed over whole, and the room is small again', () => {
    const { out, written } = outTo();
    const large = 'x'.repeat(300_000);
    out.room().text(large);
    out.flush();
    expect(written()).toBe(large);
    expect(out.room().bytes.length).toBeLessThan(200_000);
    out.room().text('y');
    out.flush();
    expect(written()).toBe(`${large}y`);
  });

  test('rows of one chunk leave in one write', () => {
    const { out, writes } = outTo();
    for (let i = 0; i < 100; i++) out.room().text(`row ${i};`);
    out.flush();
    expect(writes).toHaveLength(1);
  });
});
