import net from 'node:net';

/**
 * A PostgreSQL that holds tens of thousands of sessions, which the real one does not: it lets everybody in and answers every statement with
 * `DELETE 1`. Whoever reads the catalog is passed on to the real server.
 *
 * Forked with the host and port of the real one; says the port it listens on.
 */
const [host, port] = [process.argv[2], Number(process.argv[3])];

const int32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const message = (type, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
};
const READY = message('Z', Buffer.from('I'));
const SIGNED_IN = Buffer.concat([
  message('R', int32(0)),
  ...[
    ['server_version', '15.0'],
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
  ].map(([name, value]) => message('S', Buffer.from(`${name}\0${value}\0`))),
  message('K', int32(process.pid), int32(1)),
  READY,
]);
const DONE = Buffer.concat([message('C', Buffer.from('DELETE 1\0')), READY]);

const server = net.createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', (start) => {
    if (/gatehouse (catalog|console)/.test(start.toString('latin1'))) {
      const real = net.connect({ host, port }, () => {
        real.write(start);
        socket.pipe(real).pipe(socket);
      });
      real.on('error', () => socket.destroy());
      return;
    }
    socket.write(SIGNED_IN);
    // Statements of the benchmark are small: each comes in one piece.
    socket.on('data', (bytes) => {
      if (bytes[0] === 0x51) socket.write(DONE);
    });
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => process.send?.(server.address().port));
process.once('disconnect', () => process.exit(0));
