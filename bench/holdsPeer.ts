import net from 'node:net';

const { server: SERVER_PORT } = JSON.parse(process.argv[3] ?? '{}') as { server: number };

/**
 * A scripted PostgreSQL, because no real one takes ten thousand connections on one machine: the gateway's catalog connection is piped to the
 * real server, every other start-up is let in, every Query is answered `DELETE 1`.
 */
export function servePeer(): void {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (first: Buffer) => begin(socket, first));
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => process.send?.((server.address() as net.AddressInfo).port));
}

function begin(socket: net.Socket, first: Buffer): void {
  if (first.includes('gatehouse catalog')) {
    const real = net.connect(SERVER_PORT, '127.0.0.1');
    real.on('error', () => socket.destroy());
    socket.on('close', () => real.destroy());
    real.write(first);
    socket.pipe(real).pipe(socket);
    return;
  }
  socket.write(
    Buffer.concat([
      message('R', Buffer.from([0, 0, 0, 0])),
      ...[
        ['server_version', '17.0'],
        ['client_encoding', 'UTF8'],
        ['standard_conforming_strings', 'on'],
      ].map((pair) => message('S', Buffer.from(`${pair.join('\0')}\0`))),
      message('K', Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])),
      READY,
    ]),
  );
  socket.on('data', (bytes: Buffer) => {
    if (bytes[0] === 0x58) socket.end();
    else if (bytes[0] === 0x51) socket.write(Buffer.concat([message('C', Buffer.from('DELETE 1\0')), READY]));
    else if (bytes.includes(0x53)) socket.write(READY);
  });
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const READY = message('Z', Buffer.from('I'));
