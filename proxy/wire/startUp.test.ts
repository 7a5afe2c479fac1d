import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import { WireError } from './errors';
import { negotiateVersion, readFirstPacket, readOptions, repeatedRequest } from './startUp';

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

  test('trap-09-start-up: a key given twice keeps its last value, an empty value is a value', () => {
    const { packet } = readFirstPacket(startUpOf('user\0a\0application_name\0\0user\0b\0options\0-c a.b=x\\ y\0\0')) ?? {};
    expect(packet).toMatchObject({ kind: 'startUp', minorVersion: 0 });
    expect(packet?.kind === 'startUp' && [...packet.parameters]).toEqual([
      ['user', 'b'],
      ['application_name', ''],
      ['options', '-c a.b=x\\ y'],
    ]);
  });

  test('trap-09-start-up: 10,000 bytes and their length, and not one more', () => {
    const fill = (total: number) => startUpOf(`user\0${'x'.repeat(total - 8 - 5 - 2)}\0\0`);
    expect(readFirstPacket(fill(10_004))?.packet.kind).toBe('startUp');
    expect(() => readFirstPacket(fill(10_005).subarray(0, 4))).toThrow('invalid length of startup packet');
  });

  test.each([
    ['no terminator', 'user\0a\0'],
    ['something behind the terminator', 'user\0a\0\0x'],
    ['a key without a value', 'user\0'],
  ])('refuses %s', (_, body) => {
    expect(() => readFirstPacket(startUpOf(body))).toThrow(WireError);
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

function startUpOf(body: string, version = 0x30000): Buffer {
  const packet = Buffer.concat([Buffer.alloc(8), Buffer.from(body)]);
  packet.writeUInt32BE(packet.length, 0);
  packet.writeUInt32BE(version, 4);
  return packet;
}

describe('trap-05-version, trap-06-grease', () => {
  const ask = (minorVersion: number, ...protocolOptions: string[]) => negotiateVersion({ minorVersion, protocolOptions });

  test.each([0, 1, 2])('3.%i is spoken without a word', (minorVersion) => {
    expect(ask(minorVersion)).toEqual({ minorVersion, answer: null });
  });

  test.each([3, 9_999])('3.%i is answered with 3.2', (minorVersion) => {
    expect(ask(minorVersion)).toEqual({ minorVersion: 2, answer: { version: 0x30002, unknownOptions: [] } });
  });

  test('unknown options are named, with the version asked for where we speak it', () => {
    const option = '_pq_.test_protocol_negotiation';
    expect(ask(0, option)).toEqual({ minorVersion: 0, answer: { version: 0x30000, unknownOptions: [option] } });
    expect(ask(9_999, option)).toEqual({ minorVersion: 2, answer: { version: 0x30002, unknownOptions: [option] } });
  });

  test('a request that was dealt with is a version nobody speaks', () => {
    expect(repeatedRequest('ssl').fields).toMatchObject({
      sqlstate: '0A000',
      message: 'unsupported frontend protocol 1234.5679: server supports 3.0 to 3.2',
    });
    expect(repeatedRequest('gssenc').fields.message).toContain('1234.5680');
  });
});

describe('options', () => {
  test('trap-09-start-up: white space is what C calls so, and a backslash at the end is nothing', () => {
    expect([...readOptions('-c a.b=x\u00a0y\v-c\fa.c=\\\\z\\')]).toEqual([
      ['a.b', 'x\u00a0y'],
      ['a.c', '\\z'],
    ]);
  });

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
