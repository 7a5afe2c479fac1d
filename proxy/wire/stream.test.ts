import { describe, expect, test } from 'vitest';
import { encodeParameterStatus, encodeReadyForQuery } from './backend';
import { Backend } from './messages';
import { BackendScanner } from './stream';
import { MessageWriter } from './writer';

const row = (text: string) =>
  new MessageWriter().begin(Backend.dataRow).int16(1).int32(Buffer.byteLength(text)).bytes(Buffer.from(text)).end().take();
const tag = (text: string) => new MessageWriter().begin(Backend.commandComplete).cstring(text).end().take();

const answer = Buffer.concat([
  row('one'),
  row('two'),
  encodeParameterStatus('TimeZone', 'UTC'),
  row('x'.repeat(300)),
  tag('SELECT 3'),
  encodeReadyForQuery('I'),
]);

/** Passes rows, replaces ParameterStatus, lets the rest through. */
function run(chunks: readonly Buffer[], options: { wholeRows?: boolean } = {}): { out: string; seen: string[] } {
  const seen: string[] = [];
  const out: Buffer[] = [];
  const scanner = new BackendScanner({
    treat: (type) => (type === Backend.dataRow && options.wholeRows !== true ? 'pass' : 'whole'),
    message(type, bytes) {
      seen.push(`${String.fromCharCode(type)}${bytes.length}`);
      if (type !== Backend.parameterStatus) return 'pass';
      out.push(Buffer.from('<status>'));
      return 'taken';
    },
    cut: () => undefined,
    forward: (bytes) => out.push(Buffer.from(bytes)),
  });
  for (const chunk of chunks) scanner.push(chunk);
  return { out: Buffer.concat(out).toString('latin1'), seen };
}

describe('backend scanner', () => {
  const whole = run([answer]);

  test('passes what nothing changes and replaces what was taken, in order', () => {
    expect(whole.out).toContain('two');
    expect(whole.out.indexOf('two')).toBeLessThan(whole.out.indexOf('<status>'));
    expect(whole.out.length).toBe(answer.length - encodeParameterStatus('TimeZone', 'UTC').length + '<status>'.length);
    expect(whole.seen.map((name) => name[0])).toEqual(['S', 'C', 'Z']);
  });

  test('is the same split at every byte, with rows passed and with rows held whole', () => {
    const held = run([answer], { wholeRows: true });
    for (let at = 1; at < answer.length; at++) {
      const chunks = [answer.subarray(0, at), answer.subarray(at)];
      expect(run(chunks).out).toBe(whole.out);
      expect(run(chunks, { wholeRows: true })).toEqual(held);
    }
    expect(run([...answer].map((byte) => Buffer.from([byte])))).toEqual(whole);
  });

  test('stops at a message that has to wait and goes on from it', () => {
    const out: Buffer[] = [];
    let waited = false;
    const scanner = new BackendScanner({
      treat: () => 'whole',
      message(type) {
        if (type !== Backend.parameterStatus || waited) return 'pass';
        waited = true;
        return 'wait';
      },
      cut: () => undefined,
      forward: (bytes) => out.push(Buffer.from(bytes)),
    });
    scanner.push(answer.subarray(0, 60));
    scanner.push(answer.subarray(60));
    const before = Buffer.concat(out).length;
    expect(waited).toBe(true);
    expect(before).toBe(row('one').length + row('two').length);
    scanner.resume();
    expect(Buffer.concat(out).equals(answer)).toBe(true);
  });

  test('an impossible length is refused before anything is allocated', () => {
    expect(() => run([Buffer.from([Backend.dataRow, 0x7f, 0xff, 0xff, 0xff])])).toThrow('invalid message length');
  });
});
