import net from 'node:net';
import { serialize } from 'pg-protocol';

/** Where a round of load goes. */
export interface Target {
  name: string;
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}

export type Mode = 'prepared' | 'simple';

export interface RoundResult {
  transactions: number;
  seconds: number;
  /** One entry a transaction, milliseconds. */
  latenciesMs: number[];
}

/**
 * A closed loop of point selects over `clients` sockets for `seconds`. The client formats nothing: it counts ReadyForQuery,
 * so that the load generator is not what is measured.
 */
export async function runRound(
  target: Target,
  options: { mode: Mode; clients: number; seconds: number; rows: number; sql: (id: number) => string; prepared: string },
): Promise<RoundResult> {
  const sessions = await Promise.all(Array.from({ length: options.clients }, () => connect(target)));
  if (options.mode === 'prepared') await Promise.all(sessions.map((session) => session.prepare(options.prepared)));
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const untilMs = startMs + options.seconds * 1000;
  await Promise.all(
    sessions.map(async (session) => {
      for (let now = performance.now(); now < untilMs; ) {
        const id = 1 + Math.floor(Math.random() * options.rows);
        await (options.mode === 'prepared' ? session.execute(id) : session.query(options.sql(id)));
        const after = performance.now();
        latenciesMs.push(after - now);
        now = after;
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  for (const session of sessions) session.end();
  return { transactions: latenciesMs.length, seconds, latenciesMs };
}

interface Session {
  prepare(sql: string): Promise<void>;
  execute(id: number): Promise<void>;
  query(sql: string): Promise<void>;
  end(): void;
}

const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);

async function connect(target: Target): Promise<Session> {
  // pg does the sign-in (SCRAM or a token in clear), then hands over its socket.
  const { default: pg } = await import('pg');
  const client = new pg.Client({ ...target, ssl: false });
  // The socket is ours from here on; pg takes its end for a loss.
  client.on('error', () => undefined);
  await client.connect();
  const { connection } = client as unknown as { connection: { stream: net.Socket } };
  const socket = connection.stream;
  if (!(socket instanceof net.Socket)) throw new Error('no socket');
  socket.removeAllListeners('data');
  let ready: (() => void) | null = null;
  let failed: ((error: Error) => void) | null = null;
  let tail = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    let bytes = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    while (bytes.length >= 5) {
      const size = bytes.readUInt32BE(1) + 1;
      if (bytes.length < size) break;
      if (bytes[0] === 0x45) failed?.(new Error(bytes.subarray(5, size).toString('latin1').replaceAll('\0', ' ')));
      if (bytes[0] === 0x5a) ready?.();
      bytes = bytes.subarray(size);
    }
    tail = Buffer.from(bytes);
  });
  const roundTrip = (bytes: Buffer) =>
    new Promise<void>((resolve, reject) => {
      ready = resolve;
      failed = reject;
      socket.write(bytes);
    });
  return {
    prepare: (sql) => roundTrip(Buffer.concat([serialize.parse({ name: 's', text: sql, types: [23] }), SYNC])),
    execute: (id) => roundTrip(Buffer.concat([serialize.bind({ statement: 's', values: [String(id)] }), serialize.execute(), SYNC])),
    query: (sql) => roundTrip(serialize.query(sql)),
    end: () => socket.end(serialize.end()),
  };
}
