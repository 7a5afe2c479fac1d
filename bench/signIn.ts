import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { withPostgres } from '../db/embedded/testing';
import { startGateway } from '../e2e/gateway';
import { WireClient } from '../e2e/wireClient';
import { openTestIssuer, type TestIssuer } from '../proxy/identity/testing';
import { servePeer } from './holdsPeer';

/**
 * What signing in with a JWT costs over signing in with an access token: both in turn, each JWT another one, the keys cached. Then as many
 * sign-ins a second as many clients make, and the processor time of the workers for each. The upstream is a scripted peer
 * (bench/holdsPeer.ts): its forks are not ours. Client, issuer, store and gateway share the machine.
 *
 *   npm run bench:signin -- [pairs] [seconds]
 */
const PAIRS = Number(process.argv[2] ?? 400);
const SECONDS = Number(process.argv[3] ?? 8);
const CLIENTS = 24;
const MAX_ADDED_MS = 2;
const AUDIENCE = 'gatehouse';

async function measure(): Promise<boolean> {
  const database = await withPostgres();
  const role = `bench_${process.pid}`;
  await onDatabase(database.url, [`create role ${role} login password 'bench-password'`]);
  const work = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const peer = fork(new URL(import.meta.url).pathname, ['peer', JSON.stringify({ server: database.port })]);
  const peerPort = await new Promise<number>((resolve) => peer.once('message', (port) => resolve(Number(port))));
  const issuer = await openTestIssuer();
  const gateway = await startGateway({ env: { PROXY_WORKERS: '2' } });
  try {
    const token = setUp(gateway, work, { role, database, peerPort, issuer });
    const signIn = async (user: string, password: string): Promise<number> => {
      const startedMs = performance.now();
      const client = await WireClient.signIn({ port: gateway.proxyPort, user, password, database: 'crowd' });
      const tookMs = performance.now() - startedMs;
      client.close();
      return tookMs;
    };
    const kinds = {
      token: () => signIn('bench-agent', token),
      jwt: async (jwt: string) => signIn('bench-person', jwt),
    };
    for (let i = 0; i < 40; i++) {
      await kinds.token();
      await kinds.jwt(await jwtFrom(issuer));
    }
    const times = { token: [] as number[], jwt: [] as number[] };
    for (let i = 0; i < PAIRS; i++) {
      const jwt = await jwtFrom(issuer);
      const turns = [async () => times.token.push(await kinds.token()), async () => times.jwt.push(await kinds.jwt(jwt))];
      for (const turn of i % 2 === 0 ? turns : turns.reverse()) await turn();
    }
    // Of each pair, which stood side by side: what the machine does meanwhile meets both.
    const added = median(times.jwt.map((jwt, pair) => jwt - (times.token[pair] ?? Number.NaN)));
    console.log(
      `sign-in, median of ${PAIRS}: token ${median(times.token).toFixed(2)} ms, JWT ${median(times.jwt).toFixed(2)} ms: of a pair ${added.toFixed(2)} ms more (limit ${MAX_ADDED_MS})`,
    );
    const jwts = await Promise.all(Array.from({ length: 500 }, () => jwtFrom(issuer)));
    for (const kind of ['token', 'jwt'] as const) {
      const cpuBefore = workersCpuMs(gateway.pid);
      const untilMs = performance.now() + SECONDS * 1_000;
      let count = 0;
      await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          while (performance.now() < untilMs) {
            await (kind === 'token' ? kinds.token() : kinds.jwt(jwts[count % jwts.length] ?? ''));
            count++;
          }
        }),
      );
      const cpu = (workersCpuMs(gateway.pid) - cpuBefore) / count;
      console.log(
        `${kind}: ${(count / SECONDS).toFixed(0)} sign-ins/s with everything on this machine; ${cpu.toFixed(2)} ms of the workers' processor each`,
      );
    }
    return added < MAX_ADDED_MS;
  } finally {
    peer.kill();
    await gateway.stop();
    await issuer.close();
    rmSync(work, { recursive: true, force: true });
    await database.drop();
  }
}

const jwtFrom = (issuer: TestIssuer) => {
  const now = Math.floor(Date.now() / 1_000);
  const said = { email: 'bench-person@example.com', groups: ['agents', 'something else'], jti: String(Math.random()) };
  return issuer.sign({ iss: issuer.url, aud: AUDIENCE, sub: 'bench-person', iat: now, exp: now + 3_600, ...said });
};

function setUp(
  gateway: Awaited<ReturnType<typeof startGateway>>,
  work: string,
  { role, database, peerPort, issuer }: { role: string; database: { database: string }; peerPort: number; issuer: TestIssuer },
): string {
  const policy = join(work, 'policy.yaml');
  writeFileSync(
    policy,
    `version: 1
connections:
  - { name: crowd, host: 127.0.0.1, port: ${peerPort}, database: ${database.database}, username: ${role}, password: bench-password, tls: disable, default: allow }
groups: [agents]
principals:
  - { name: admin, kind: human, role: admin }
  - { name: bench-agent, kind: agent, groups: [agents] }
access:
  - { connections: [crowd], groups: [agents] }
identity:
  providers:
    - name: bench
      type: oidc
      issuer: ${issuer.url}
      audiences: [${AUDIENCE}]
      principal: { claim: email, strip: "@example.com", create: human }
      groups: { claim: groups }
`,
  );
  const cli = (...args: string[]) =>
    execFileSync(process.execPath, ['bin/gatehouse.mjs', ...args], {
      env: { ...process.env, GATEHOUSE_URL: gateway.consoleUrl, GATEHOUSE_DATA_DIR: gateway.dataDir },
      encoding: 'utf8',
    }).trim();
  cli('apply', policy);
  return cli('token', 'create', '--principal', 'bench-agent', '--ttl', '3h');
}

/** Of the processes that serve the proxy port, in ms: what the kernel counts in hundredths of a second. */
function workersCpuMs(root: number): number {
  let ticks = 0;
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(parent) !== root || !readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes('worker')) continue;
      ticks += Number(rest[9]) + Number(rest[10]);
    } catch {
      // It ended meanwhile.
    }
  }
  return ticks * 10;
}

async function onDatabase(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

if (process.argv[2] === 'peer') servePeer();
else process.exit((await measure()) ? 0 : 1);
