import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { dice } from '../fuzz/run';
import { RecordedOut } from './recordedOut';

function outTo(): { out: RecordedOut; written: () => string; writes: () => number } {
  let written = '';
  let writes = 0;
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      writes++;
      written += chunk.toString('latin1');
      done();
    },
  });
  return { out: new RecordedOut(socket), writes: () => writes, written: () => written };
}

const say = (out: RecordedOut, text: string) => out.append(Buffer.from(text));

describe('what goes to the server', () => {
  test('leaves at once where nothing has to be recorded, neighbours as one', () => {
    const { out, written, writes } = outTo();
    const chunk = Buffer.from('abcdef');
    out.append(chunk.subarray(0, 2));
    out.append(chunk.subarray(2, 6));
    expect(written()).toBe('');
    out.flush();
    expect(written()).toBe('abcdef');
    expect(writes()).toBe(1);
  });

  test('what stands behind a bar waits until it is lifted, what stands in front of it does not', () => {
    const { out, written } = outTo();
    say(out, 'a');
    out.bar();
    say(out, 'b');
    out.flush();
    say(out, 'c');
    expect(written()).toBe('a');
    out.bar();
    say(out, 'd');
    out.flush();
    out.lift();
    expect(written()).toBe('abc');
    out.lift();
    expect(written()).toBe('abcd');
  });

  test('nothing leaves that was not asked to', () => {
    const { out, written } = outTo();
    out.bar();
    say(out, 'a');
    out.lift();
    expect(written()).toBe('');
    out.flush();
    expect(written()).toBe('a');
  });

  test('what was not recorded never leaves, nor what comes behind it', () => {
    const { out, written } = outTo();
    say(out, 'a');
    out.flush();
    out.bar();
    say(out, 'b');
    out.flush();
    out.drop();
    say(out, 'c');
    out.bar();
    out.flush();
    out.lift();
    let over = false;
    out.finish(() => {
      over = true;
    });
    expect([written(), over, out.full]).toEqual(['a', true, false]);
  });

  test('an end waits for what was asked to leave, and takes nothing else along', () => {
    const { out, written } = outTo();
    const order: string[] = [];
    out.bar();
    say(out, 'a');
    out.flush();
    say(out, 'b');
    out.finish(() => order.push(`over behind ${written()}`));
    expect(order).toEqual([]);
    out.lift();
    expect(order).toEqual(['over behind a']);
  });

  test('says when too much waits, and resolves when it is open', async () => {
    const { out } = outTo();
    expect(out.whenOpen()).toBeUndefined();
    out.append(Buffer.alloc(3_000_000));
    expect(out.full).toBe(false);
    out.flush();
    out.bar();
    out.append(Buffer.alloc(3_000_000));
    out.flush();
    expect(out.full).toBe(true);
    const open = out.whenOpen();
    out.lift();
    await open;
    expect(out.full).toBe(false);
  });

  test('any order of appending, flushing and lifting keeps the stream, and no byte passes a bar', () => {
    const roll = dice(5);
    for (let round = 0; round < 3_000; round++) {
      const { out, written } = outTo();
      let stream = '';
      const bars: number[] = [];
      for (let step = 0; step < 30; step++) {
        const what = roll(4);
        if (what === 0) {
          out.bar();
          bars.push(stream.length);
        } else if (what === 1 && bars.length > 0) {
          out.lift();
          bars.shift();
        } else if (what === 2) out.flush();
        else {
          const text = String.fromCharCode(97 + (stream.length % 26)).repeat(1 + roll(3));
          say(out, text);
          stream += text;
        }
        // Compared here: so many calls of expect take seconds.
        const passed = written().length > (bars[0] ?? stream.length);
        if (passed || !stream.startsWith(written()))
          expect.fail(`round ${round}, step ${step}: ${written()} of ${stream}, bars at ${bars}`);
      }
      for (; bars.length > 0; bars.pop()) out.lift();
      out.flush();
      expect(written()).toBe(stream);
    }
  });
});
