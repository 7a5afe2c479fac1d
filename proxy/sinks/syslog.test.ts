import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { createAuthority } from '../../db/embedded/testCertificates';
import { createSyslog } from './syslog';
import { counted, syslogMessage } from './syslogMessage';
import { growingLog, outcomeEntry, statementEntry } from './testing';

const signal = new AbortController().signal;
const origin = { host: 'gate 1', processId: 7 };
const now = () => 0;
const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** A receiver that reads octet-counted messages (RFC 6587 §3.4.1). */
async function tcpReceiver(tls?: { key: string; cert: string }) {
  const messages: string[] = [];
  const sockets: Socket[] = [];
  const onSocket = (socket: Socket) => {
    sockets.push(socket);
    let bytes = Buffer.alloc(0);
    socket
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        for (let space = bytes.indexOf(0x20); space > 0; space = bytes.indexOf(0x20)) {
          const end = space + 1 + Number(bytes.subarray(0, space).toString());
          if (bytes.length < end) return;
          messages.push(bytes.subarray(space + 1, end).toString('utf8'));
          bytes = bytes.subarray(end);
        }
      });
  };
  const server: Server = tls === undefined ? createServer(onSocket) : createTlsServer(tls, onSocket);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return { port: (server.address() as AddressInfo).port, messages, sockets };
}
const until = async (condition: () => boolean) => {
  for (let i = 0; i < 200 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
};

describe('messages', () => {
  const [denied, done, broken] = growingLog().grow([
    statementEntry('stm_1', { verdict: 'deny', rule: 'no-drops' }),
    outcomeEntry('stm_1', { atMs: undefined }),
    { type: 'damage', atMs: 5, segment: 0, fromByte: 1, toByte: 2, why: 'é' },
  ]);
  test.each([
    [denied, '<108>1 1970-01-01T00:16:40.000Z gate1 gatehouse 7 statement - \ufeff{"index":0,"leaf":{"v":1,'],
    [done, '<110>1 - gate1 gatehouse 7 outcome - \ufeff{"index":1,'],
    [broken, '<106>1 1970-01-01T00:00:00.005Z gate1 gatehouse 7 damage - \ufeff{"index":2,'],
  ])('RFC 5424 %#', (record, start) => {
    if (record === undefined) throw new Error('no record');
    const text = syslogMessage(record, origin).toString('utf8');
    expect(text.slice(0, start.length)).toBe(start);
    expect(JSON.parse(text.slice(text.indexOf('\ufeff') + 1))).toMatchObject({
      index: record.index,
      leaf: record.leaf.entry.type === 'outcome' ? {} : { node: 'here' },
    });
  });
  test('too much for a datagram: the index and a summary', () => {
    if (denied === undefined) throw new Error('no record');
    const message = syslogMessage(denied, origin, 300);
    expect(message.length).toBeLessThanOrEqual(300);
    expect(message.toString()).toContain('{"index":0,"cut":true,"summary":"support-bot on shop: deny DELETE (stm_1)"}');
  });
  test('octets are counted, not characters', () => {
    expect(counted(Buffer.from('é')).toString()).toBe('2 é');
  });
});

test('over TCP, in order; after a broken connection the last batch comes again and nothing is missing', async () => {
  const receiver = await tcpReceiver();
  const log = growingLog();
  const sink = createSyslog({ type: 'syslog', host: '127.0.0.1', port: receiver.port, protocol: 'tcp' }, { origin, now });
  await sink.send(log.grow([outcomeEntry('stm_0'), outcomeEntry('stm_1')]), null, signal);
  await until(() => receiver.messages.length === 2);
  for (const socket of receiver.sockets) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const more = log.grow([outcomeEntry('stm_2')]);
  await sink.send(more, { from: 7, to: 9 }, signal).catch(() => sink.send(more, { from: 7, to: 9 }, signal));
  await until(() => receiver.messages.length >= 6);
  const indices = receiver.messages.map((message) => /"index":(\d+)/.exec(message)?.[1] ?? (message.includes('"gap"') ? 'gap' : '?'));
  expect(indices).toEqual(['0', '1', '0', '1', 'gap', '2']);
  await sink.close();
});

test('over TLS with a certificate that is checked', async () => {
  const authority = createAuthority('syslog authority');
  const own = authority.issue({ name: 'localhost', ips: ['127.0.0.1'] });
  const receiver = await tcpReceiver({ key: own.key, cert: own.certificate });
  const target = { type: 'syslog', host: '127.0.0.1', port: receiver.port, protocol: 'tls' } as const;
  const records = growingLog().grow([outcomeEntry('stm_0')]);
  const trusting = createSyslog(target, { origin, now, ca: authority.certificate });
  await trusting.send(records, null, signal);
  await until(() => receiver.messages.length === 1);
  await trusting.close();
  await expect(createSyslog(target, { origin, now }).send(records, null, signal)).rejects.toThrow(
    'could not be reached (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
  );
  expect(receiver.messages).toHaveLength(1);
});

test('over UDP, one datagram an entry', async () => {
  const socket = createSocket('udp4');
  open.push(socket);
  const messages: string[] = [];
  socket.on('message', (message) => messages.push(message.toString('utf8')));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const sink = createSyslog({ type: 'syslog', host: '127.0.0.1', port: socket.address().port, protocol: 'udp' }, { origin, now });
  await sink.send(growingLog().grow([outcomeEntry('stm_0'), outcomeEntry('stm_1', { sqlstate: 'x'.repeat(70_000) })]), null, signal);
  await until(() => messages.length === 2);
  expect(messages[1]).toContain('"cut":true');
  await sink.close();
});

test('nobody there', async () => {
  const receiver = await tcpReceiver();
  for (const each of open.splice(0)) each.close();
  const sink = createSyslog({ type: 'syslog', host: '127.0.0.1', port: receiver.port, protocol: 'tcp' }, { origin, now });
  await expect(sink.send(growingLog().grow([outcomeEntry('stm_0')]), null, signal)).rejects.toThrow('could not be reached (ECONNREFUSED)');
});
