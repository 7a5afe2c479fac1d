import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import { WireError } from './errors';
import { readFirstPacket, readOptions } from './startUp';

const startUp = serialize.startup({ user: 'u', database: 'd' });

describe('first packet', () => {
  test('reads start-up, SSLRequest, GSSENCRequest and CancelRequest', () => {
    const read = readFirstPacket(Buffer.concat([startUp, Buffer.from('Q')]));
    expect(read?.rest.toString()).toBe('Q');
    expect(read?.packet).toMatchObject({ kind: 'startUp', minorVersion: 0 });
    expect(readFirstPacket(serialize.requestSsl())?.packet).toEqual({ kind: 'ssl' });
    expect(readFirstPacket(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30]))?.packet).toEqual({ kind: 'gssenc' });
    expect(readFirstPacket(serialize.cancel(7, 9))?.packet).toMatchObject({ kind: 'cancel', processId: 7 });
  });

  test('waits at every split', () => {
    for (let at = 0; at < startUp.length; at++) expect(readFirstPacket(startUp.subarray(0, at))).toBeNull();
  });

  test('protocol options and a greased minor version are reported, not believed', () => {
    const bytes = Buffer.from(startUp);
    bytes.writeUInt16BE(9999, 6);
    expect(readFirstPacket(bytes)?.packet).toMatchObject({ minorVersion: 9999 });
  });

  test.each([
    ['too short', Buffer.from([0, 0, 0, 7, 0, 0, 0, 0])],
    ['too long', Buffer.from([0, 0, 0x40, 0, 0, 3, 0, 0])],
    ['TLS without SSLRequest', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1])],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['protocol 2', Buffer.from([0, 0, 0, 8, 0, 2, 0, 0])],
  ])('refuses %s', (_, bytes) => {
    expect(() => readFirstPacket(bytes)).toThrow(WireError);
  });
});

describe('options', () => {
  test('splits on white space, keeps escaped spaces, last value wins', () => {
    expect([...readOptions('-c search_path=a,\\ b  -cgeqo=off --DateStyle=ISO -c geqo=on')]).toEqual([
      ['search_path', 'a, b'],
      ['geqo', 'on'],
      ['datestyle', 'ISO'],
    ]);
  });

  test('refuses switches it does not know', () => {
    expect(() => readOptions('-f')).toThrow(WireError);
    expect(() => readOptions('-c novalue')).toThrow(WireError);
  });
});
