import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Opens half-open connections in a process of its own, so that what they cost their owner is not measured as the gateway's: 2,000, half of
 * them silent, half with an SSLRequest and nothing after it. Then 20 more every 50 ms, until it is told to stop.
 *
 * Forked with the port as its argument; says how many it holds once they are open.
 */
const port = Number(process.argv[2]);
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]);
let opened = 0;

const hold = () =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => resolve());
    socket.on('data', () => undefined);
    socket.once('connect', () => {
      if (++opened % 2 === 0) socket.write(SSL_REQUEST);
      resolve();
    });
  });

process.once('disconnect', () => process.exit(0));
for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 100 }, hold));
process.send?.(opened);
for (;;) {
  await Promise.all(Array.from({ length: 20 }, hold));
  await sleep(50);
}
