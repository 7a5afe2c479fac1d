import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withPostgres } from '../db/embedded/testing';
import { apiAsAdmin } from '../e2e/api';
import { startGateway } from '../e2e/gateway';
import { treeOf } from '../e2e/processes';
import { cstring, frame, simpleQuery, startUp } from '../e2e/wireClient';

/**
 * What it costs to hold: memory of as many held statements as there were idle sessions before, and how long it takes from a reviewer's
 * approval to the client's result while all the others wait. The upstream is a stand-in (bench/peer.mjs), because PostgreSQL does not take
 * so many sessions; catalog and store are real.
 *
 *   npm run bench:holds -- [sessions] [approvals]
 */
const SESSIONS = Number(process.argv[2] ?? 10_000);
const APPROVALS = Number(process.argv[3] ?? 60);
const AT_ONCE = 50;
const MB = 1024 * 1024;

const database = await withPostgres();
const work = mkdtempSync(join(tmpdir(), 'gatehouse-holds-'));
const peer = fork(join(process.cwd(), 'bench/peer.mjs'), [database.host, String(database.port)]);
const [upstreamPort] = (await once(peer, 'message')) as [number];
const gateway = await startGateway();
const sockets: net.Socket[] = [];

/** A client that keeps nothing but what it waits for. */
class Client {
  requestId = '';
  #wanted = '';
  #done: (() => void) | null = null;
  #failed: ((error: Error) => void) | null = null;

  private constructor(readonly socket: net.Socket) {
    socket.on('data', (bytes) => this.#read(bytes));
    socket.on('close', () => this.#failed?.(new Error('the gateway closed the connection')));
  }

  static async signIn(password: string): Promise<Client> {
    const socket = net.connect({ port: gateway.proxyPort, host: '127.0.0.1', noDelay: true });
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const client = new Client(socket);
    await client.send(startUp({ user: 'bench-agent', database: 'bench' }), 'R');
    await client.send(frame('p', cstring(password)), 'Z');
    return client;
  }

  send(bytes: Buffer, type: string): Promise<void> {
    const answer = this.until(type);
    this.socket.write(bytes);
    return answer;
  }

  until(type: string): Promise<void> {
    this.#wanted = type;
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
    });
  }

  /** Messages of the benchmark are small and come whole. */
  #read(bytes: Buffer): void {
    for (let at = 0; at + 5 <= bytes.length; at += 1 + bytes.readInt32BE(at + 1)) {
      const type = String.fromCharCode(bytes[at] ?? 0);
      if (type === 'N') this.requestId = /req_\w+/.exec(bytes.toString('utf8', at))?.[0] ?? '';
      if (type === 'E') this.#failed?.(new Error(bytes.toString('utf8', at + 5).replaceAll('\0', ' ')));
      if (type === this.#wanted) this.#done?.();
    }
  }
}

async function inTurns<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let i = 0; i < count; i += AT_ONCE)
    results.push(...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, j) => work(i + j)))));
  return results;
}

/** Garbage of what came before is not what is measured. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 20_000));

/** Resident memory of the gateway's own processes, and of the store's. */
function memory(): { gateway: number; store: number } {
  const tree = treeOf(gateway.pid);
  const sum = (of: typeof tree) => of.reduce((total, one) => total + one.residentBytes, 0);
  const isOwn = (command: string) => command.includes('node');
  return { gateway: sum(tree.filter((one) => isOwn(one.command))), store: sum(tree.filter((one) => !isOwn(one.command))) };
}

function shown({ gateway: own, store }: ReturnType<typeof memory>): string {
  return `${(own / MB).toFixed(0)} MB in the gateway's processes (and ${(store / MB).toFixed(0)} MB in those of its store)`;
}

function setUp(): string {
  const policy = join(work, 'policy.yaml');
  const url = new URL(database.url);
  writeFileSync(
    policy,
    `version: 1
connections:
  - { name: bench, host: 127.0.0.1, port: ${upstreamPort}, database: ${database.database}, username: ${url.username}, password: "\${BENCH_PASSWORD}", tls: disable, default: allow, superuser: allow }
groups: [agents]
principals:
  - { name: admin, kind: human, role: admin }
  - { name: bench-agent, kind: agent, groups: [agents] }
access:
  - { connections: [bench], groups: [agents] }
rules:
  - { name: review-deletes, match: { statements: [DELETE] }, action: hold, approval: { expiresIn: 2h } }
`,
  );
  const cli = (...args: string[]) =>
    execFileSync(process.execPath, ['bin/gatehouse.mjs', ...args], {
      env: {
        ...process.env,
        GATEHOUSE_URL: gateway.consoleUrl,
        GATEHOUSE_DATA_DIR: gateway.dataDir,
        BENCH_PASSWORD: decodeURIComponent(url.password),
      },
      encoding: 'utf8',
    }).trim();
  cli('apply', policy);
  return cli('token', 'create', '--principal', 'bench-agent', '--ttl', '2h');
}

try {
  const token = setUp();
  const admin = apiAsAdmin(gateway);
  const clients = await inTurns(SESSIONS, () => Client.signIn(token));
  await settled();
  const idle = memory();
  console.log(`${SESSIONS} idle sessions: ${shown(idle)}`);

  const startMs = performance.now();
  await inTurns(SESSIONS, async (i) => {
    await clients[i]?.send(simpleQuery(`DELETE FROM held WHERE id = ${i}`), 'N');
  });
  console.log(`${SESSIONS} statements were held in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  await settled();
  const held = memory();
  console.log(`${SESSIONS} held statements: ${shown(held)}`);
  console.log(`held more than idle: ${((held.gateway - idle.gateway) / MB).toFixed(0)} MB (target: under 400 MB)`);

  const tookMs: number[] = [];
  for (let i = 0; i < APPROVALS; i++) {
    const client = clients[Math.floor((i * SESSIONS) / APPROVALS)];
    if (client === undefined) break;
    const clickMs = performance.now();
    const answer = client.until('Z');
    await admin.approvals.approve.mutate({ id: client.requestId });
    await answer;
    tookMs.push(performance.now() - clickMs);
  }
  tookMs.sort((a, b) => a - b);
  const at = (share: number) => (tookMs[Math.floor(share * (tookMs.length - 1))] ?? Number.NaN).toFixed(1);
  console.log(
    `click to result with ${SESSIONS} held: median ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms (target: median under 200 ms)`,
  );
} finally {
  for (const socket of sockets) socket.destroy();
  await gateway.stop();
  peer.disconnect();
  rmSync(work, { recursive: true, force: true });
  await database.drop();
}
process.exit(0);
