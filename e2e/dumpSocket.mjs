import { connect } from 'node:net';
import { workerData } from 'node:worker_threads';

// pg_dump in WebAssembly cannot wait for a socket: its thread sleeps until this one has the server's whole answer.
const { host, port, channel, flag } = workerData;
const awake = new Int32Array(flag);
const socket = connect({ host, port });
let asked = false;
let signedIn = false;
let answer = Buffer.alloc(0);
let failure = null;

function give() {
  if (!asked) return;
  asked = false;
  channel.postMessage({ answer, failure });
  answer = Buffer.alloc(0);
  Atomics.store(awake, 0, 1);
  Atomics.notify(awake, 0);
}

/** Whether the server waits for its client now (chapters 54.2 and 54.7). */
function isWhole() {
  let last = null;
  for (let at = 0; at < answer.length; ) {
    if (answer.length < at + 5) return false;
    const end = at + 1 + answer.readUInt32BE(at + 1);
    if (answer.length < end) return false;
    const type = String.fromCharCode(answer[at] ?? 0);
    const code = type === 'R' ? answer.readUInt32BE(at + 5) : 0;
    if (type === 'Z') signedIn = true;
    last = type === 'Z' || (type === 'R' && code !== 0 && code !== 12) || (type === 'E' && !signedIn);
    at = end;
  }
  return last === true;
}

channel.on('message', ({ bytes, answered }) => {
  asked = answered;
  socket.write(bytes);
  if (failure !== null) give();
});
socket.on('data', (chunk) => {
  answer = Buffer.concat([answer, chunk]);
  if (isWhole()) give();
});
const lost = (error) => {
  failure ??= error?.message ?? 'the server closed the connection';
  give();
};
socket.on('error', lost);
socket.on('close', () => lost());
