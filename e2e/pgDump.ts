import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { pgDump } from '@electric-sql/pglite-tools/pg_dump';

const WITHIN_MS = 30_000;

interface Server {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}

/** Every statement of PostgreSQL's own pg_dump 18, built for WebAssembly, of a real server: what an operator's backup holds. */
export async function dumpDatabase({ host, port, user, password, database }: Server): Promise<string> {
  const flag = new SharedArrayBuffer(4);
  const awake = new Int32Array(flag);
  const { port1: channel, port2: theirs } = new MessageChannel();
  const worker = new Worker(new URL('dumpSocket.mjs', import.meta.url), {
    workerData: { host, port, channel: theirs, flag },
    transferList: [theirs],
  });
  const sent = frontend();
  // What pg_dump's libpq writes goes to the server; it reads when we return.
  const execProtocolRawStream = (bytes: Uint8Array, { onRawData }: { onRawData(bytes: Uint8Array): void }) => {
    const copy = bytes.slice();
    const answered = sent.expectsAnswer(copy);
    Atomics.store(awake, 0, 0);
    channel.postMessage({ bytes: copy, answered });
    if (!answered) return;
    if (Atomics.wait(awake, 0, 0, WITHIN_MS) === 'timed-out') throw new Error(`the server did not answer within ${WITHIN_MS / 1_000} s`);
    const heard = receiveMessageOnPort(channel)?.message as { answer: Uint8Array; failure: string | null } | undefined;
    if (heard === undefined || heard.failure !== null) throw new Error(heard?.failure ?? 'the server gave no answer');
    onRawData(heard.answer);
  };
  // The tool asks its in-process database for the search path before and after; ours is a session of its own.
  const pg = { execProtocolRawStream, query: async () => ({ rows: [{ search_path: '' }] }), exec: async () => undefined };
  const conninfo = { host, port, user, password, dbname: database, sslmode: 'disable', gssencmode: 'disable' };
  const words = Object.entries(conninfo).map(([name, value]) => `${name}='${String(value).replace(/[\\']/g, '\\$&')}'`);
  try {
    const file = await pgDump({ pg: pg as never, args: ['-d', words.join(' ')] });
    return await file.text();
  } finally {
    channel.close();
    await worker.terminate();
  }
}

/** Follows what a client writes: a long message comes in pieces, and only some are answered. */
function frontend() {
  let pending = Buffer.alloc(0);
  let started = false;
  return {
    expectsAnswer(bytes: Uint8Array): boolean {
      pending = Buffer.concat([pending, bytes]);
      let answered = false;
      for (;;) {
        const head = started ? 1 : 0;
        if (pending.length < head + 4) break;
        const end = head + pending.readUInt32BE(head);
        if (pending.length < end) break;
        answered = !started || 'QSp'.includes(String.fromCharCode(pending[0] ?? 0));
        started = true;
        pending = pending.subarray(end);
      }
      return answered && pending.length === 0;
    },
  };
}
