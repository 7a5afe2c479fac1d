import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { withPostgres } from '../db/embedded/testing';
import { apiAsAdmin } from '../e2e/api';
import { startGateway } from '../e2e/gateway';
import { WireClient } from '../e2e/wireClient';
import { servePeer } from './holdsPeer';

/**
 * What held statements cost: memory of the gateway's processes (supervisor and workers, without the embedded store) with N idle sessions, and
 * with the same sessions each waiting for a person; and the time from a reviewer's click to the client's answer, on a quiet gateway and while
 * all the others wait. The upstream of the crowd is a scripted peer (bench/holdsPeer.ts), that of the clicks a real PostgreSQL.
 *
 *   npm run bench:holds -- [sessions] [clicks]
 */
const SESSIONS = Number(process.argv[2] ?? 10_000);
const CLICKS = Number(process.argv[3] ?? 40);
const AT_ONCE = 50;
const MAX_MB = 400;
const MAX_CLICK_MS = 200;

if (process.argv[2] === 'peer') servePeer();
else process.exit((await measure()) ? 0 : 1);

async function measure(): Promise<boolean> {
  const database = await withPostgres();
  const role = `bench_${process.pid}`;
  await onDatabase(database.url, [
    `create role ${role} login password 'bench-password'`,
    'create table waiting (id int primary key)',
    `insert into waiting select generate_series(1, 100000)`,
    `grant all on waiting to ${role}`,
  ]);
  const work = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const peer = fork(new URL(import.meta.url).pathname, ['peer', JSON.stringify({ server: database.port })]);
  const peerPort = await new Promise<number>((resolve) => peer.once('message', (port) => resolve(Number(port))));
  const gateway = await startGateway({ env: { PROXY_WORKERS: '3' } });
  try {
    const token = setUp(gateway, work, { role, database, peerPort });
    const admin = apiAsAdmin(gateway);
    const settings = { port: gateway.proxyPort, user: 'bench-agent', password: token };

    const click = async (): Promise<number> => {
      const client = await WireClient.signIn({ ...settings, database: 'real' });
      const id = 1 + Math.floor(Math.random() * 99_999);
      client.send(query(`DELETE FROM waiting WHERE id = ${id}`));
      await client.until('N');
      const { items } = await admin.approvals.list.query({ status: 'open', limit: 200 });
      const request = items.find((item) => item.connectionName === 'real');
      if (request === undefined) throw new Error('the request was not listed');
      const answered = new Promise<number>((resolve) => client.socket.once('data', () => resolve(performance.now())));
      const startedAt = performance.now();
      await admin.approvals.approve.mutate({ id: request.id });
      const ms = (await answered) - startedAt;
      client.close();
      return ms;
    };
    const clicks = async () => {
      const times: number[] = [];
      for (let i = 0; i < CLICKS; i++) times.push(await click());
      return times.sort((a, b) => a - b);
    };
    await click();
    const quiet = await clicks();
    console.log(`click to the client's answer, quiet: median ${at(quiet, 0.5)} ms, p95 ${at(quiet, 0.95)} ms (${CLICKS} clicks)`);

    const crowd: WireClient[] = [];
    let startedAt = performance.now();
    await inBatches(SESSIONS, async () => {
      crowd.push(await WireClient.signIn({ ...settings, database: 'crowd' }));
    });
    console.log(`${SESSIONS} sessions signed in, ${seconds(startedAt)}`);
    const idle = await settled(gateway.pid);
    console.log(`idle: ${idle.toFixed(0)} MB`);

    startedAt = performance.now();
    let next = 0;
    await inBatches(SESSIONS, async () => {
      const i = next++;
      crowd[i]?.send(query(`DELETE FROM waiting WHERE id = ${i + 1}`));
      await crowd[i]?.until('N');
    });
    console.log(`all of them held, ${seconds(startedAt)}`);
    const held = await settled(gateway.pid);
    console.log(`held: ${held.toFixed(0)} MB, ${(held - idle).toFixed(0)} MB more than idle (limit ${MAX_MB})`);

    const busy = await clicks();
    console.log(`click to the client's answer, ${SESSIONS} waiting: median ${at(busy, 0.5)} ms, p95 ${at(busy, 0.95)} ms`);
    const alive = crowd.filter((client) => !client.closed).length;
    console.log(`${alive} of ${SESSIONS} still wait`);
    for (const client of crowd) client.close();
    return held - idle < MAX_MB && Number(at(quiet, 0.5)) < MAX_CLICK_MS && Number(at(busy, 0.5)) < MAX_CLICK_MS && alive === SESSIONS;
  } finally {
    peer.kill();
    await gateway.stop();
    rmSync(work, { recursive: true, force: true });
    await database.drop();
  }
}

function setUp(
  gateway: Awaited<ReturnType<typeof startGateway>>,
  work: string,
  { role, database, peerPort }: { role: string; database: { port: number; database: string }; peerPort: number },
): string {
  const policy = join(work, 'policy.yaml');
  const upstream = (name: string, port: number) =>
    `  - { name: ${name}, host: 127.0.0.1, port: ${port}, database: ${database.database}, username: ${role}, password: bench-password, tls: disable, default: allow }`;
  // The operator edits the rules; the administrator, who wrote none, decides.
  writeFileSync(
    policy,
    `version: 1
connections:
${upstream('real', database.port)}
${upstream('crowd', peerPort)}
groups: [agents, dba]
principals:
  - { name: admin, kind: human, role: admin, groups: [dba] }
  - { name: bench-operator, kind: human, role: admin }
  - { name: bench-agent, kind: agent, groups: [agents] }
access:
  - { connections: [real, crowd], groups: [agents] }
rules:
  - { name: review-bench, match: { statements: [DELETE] }, action: hold, approval: { groups: [dba], count: 1, expiresIn: 2h } }
`,
  );
  const cli = (env: Record<string, string>, ...args: string[]) =>
    execFileSync(process.execPath, ['bin/gatehouse.mjs', ...args], {
      env: { ...process.env, GATEHOUSE_URL: gateway.consoleUrl, GATEHOUSE_DATA_DIR: gateway.dataDir, ...env },
      encoding: 'utf8',
    }).trim();
  const bare = join(work, 'bare.yaml');
  writeFileSync(bare, readFileSync(policy, 'utf8').replace(/^rules:[\s\S]*$/m, ''));
  cli({}, 'apply', bare);
  const operator = cli({}, 'token', 'create', '--principal', 'bench-operator', '--ttl', '1h');
  cli({ GATEHOUSE_TOKEN: operator }, 'apply', policy);
  return cli({}, 'token', 'create', '--principal', 'bench-agent', '--ttl', '3h');
}

async function inBatches(count: number, step: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await step();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Resident memory of the gateway's own processes once it has stopped moving, MB. */
async function settled(pid: number): Promise<number> {
  let last = residentMb(pid);
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const now = residentMb(pid);
    if (Math.abs(now - last) < 10) return now;
    last = now;
  }
  return last;
}

function residentMb(root: number): number {
  const parents = new Map<number, { parent: number; name: string; rssKb: number }>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${entry}/status`, 'utf8');
      const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
      parents.set(Number(entry), { parent: Number(field('PPid')), name: field('Name'), rssKb: Number(field('VmRSS')) });
    } catch {
      // It ended meanwhile.
    }
  }
  const belongs = (pid: number): boolean => {
    const parent = parents.get(pid)?.parent ?? 0;
    return pid === root || (parent > 1 && belongs(parent));
  };
  let kb = 0;
  for (const [pid, { name, rssKb }] of parents) if (!name.startsWith('postgres') && belongs(pid)) kb += rssKb;
  return kb / 1_024;
}

function query(sql: string): Buffer {
  const body = Buffer.from(`${sql}\0`);
  const head = Buffer.alloc(5);
  head.write('Q');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

async function onDatabase(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

const at = (sorted: readonly number[], share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(0);
const seconds = (since: number) => `${((performance.now() - since) / 1_000).toFixed(0)} s`;
