import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { withPostgres } from '../db/embedded/testing';
import { startGateway } from '../e2e/gateway';
import { type Mode, runRound, type Target } from './load';

/**
 * What the gateway costs: point selects direct, through PgBouncer where it is installed, and through the gateway with parse, policy,
 * audit and masking on. Rounds are interleaved and ratios taken within a round, because absolute times mean nothing on a shared machine.
 *
 *   npm run bench:overhead -- [rounds] [seconds]
 */
const ROUNDS = Number(process.argv[2] ?? 10);
const SECONDS = Number(process.argv[3] ?? 2);
const ROWS = 10_000;
const CLIENTS = 8;

const database = await withPostgres();
const password = 'bench-password';
const role = `bench_${process.pid}`;
await onDatabase(database.url, [
  `create role ${role} login password '${password}'`,
  'create table accounts (id int primary key, balance int not null, filler text not null, ssn text not null)',
  `insert into accounts select i, i * 7 % 1000, repeat('x', 60), lpad((i * 7919 % 1000000000)::text, 9, '0') from generate_series(1, ${ROWS}) i`,
  `grant select on accounts to ${role}`,
  'analyze accounts',
]);

const work = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
const gateway = await startGateway();
const stops: (() => Promise<unknown> | unknown)[] = [
  () => gateway.stop(),
  () => rmSync(work, { recursive: true, force: true }),
  () => database.drop(),
];

try {
  const direct: Target = { name: 'direct', host: database.host, port: database.port, user: role, password, database: database.database };
  const targets = [direct];
  const bouncer = await startPgBouncer(direct, work);
  if (bouncer === null) console.log('PgBouncer is not installed: compared with the direct connection alone.');
  else {
    targets.push(bouncer.target);
    stops.unshift(bouncer.stop);
  }
  targets.push(throughGateway(direct));

  for (const mode of ['prepared', 'simple'] as const) await compare(targets, mode);
} finally {
  for (const stop of stops) await stop();
}
process.exit(0);

async function compare(targets: readonly Target[], mode: Mode): Promise<void> {
  const options = {
    mode,
    rows: ROWS,
    prepared: 'select id, balance, ssn from accounts where id = $1',
    sql: (id: number) => `select id, balance, ssn from accounts where id = ${id}`,
  };
  const tps = new Map(targets.map((target) => [target.name, [] as number[]]));
  const latency = new Map(targets.map((target) => [target.name, [] as number[]]));
  for (const target of targets) await runRound(target, { ...options, clients: CLIENTS, seconds: 1 });
  for (let round = 0; round < ROUNDS; round++) {
    for (const target of targets) {
      const loaded = await runRound(target, { ...options, clients: CLIENTS, seconds: SECONDS });
      tps.get(target.name)?.push(loaded.transactions / loaded.seconds);
      const alone = await runRound(target, { ...options, clients: 1, seconds: SECONDS / 2 });
      latency.get(target.name)?.push(...alone.latenciesMs);
    }
  }
  console.log(`\n${mode}: ${ROUNDS} rounds of ${SECONDS} s, ${CLIENTS} clients; ratios within a round, median [quartiles]`);
  const base = targets[0]?.name ?? '';
  const gatewayTps = tps.get('gatehouse') ?? [];
  for (const target of targets) {
    const mine = tps.get(target.name) ?? [];
    const ratio = quartiles(mine.map((value, i) => (gatewayTps[i] ?? 0) / value));
    const own = latency.get(target.name) ?? [];
    const reference = latency.get(base) ?? [];
    const added = (p: number) => `${((percentile(own, p) - percentile(reference, p)) * 1000).toFixed(0)} µs`;
    console.log(
      `  ${target.name.padEnd(10)} ${percentile(mine, 50).toFixed(0).padStart(7)} tx/s   gatehouse/${target.name} = ${ratio}   added p50 ${added(50)}, p99 ${added(99)}`,
    );
  }
}

function throughGateway(direct: Target): Target {
  const policy = join(work, 'policy.yaml');
  writeFileSync(
    policy,
    `version: 1
connections:
  - { name: bench, host: ${direct.host}, port: ${direct.port}, database: ${direct.database}, username: ${direct.user}, password: "\${BENCH_PASSWORD}", tls: disable, default: allow }
groups: [agents, dba]
principals:
  - { name: admin, kind: human, role: admin, groups: [dba] }
  - { name: bench-agent, kind: agent, owner: admin, groups: [agents] }
access:
  - { connections: [bench], groups: [agents] }
masking:
  - { name: ssn, connections: [bench], columns: [public.accounts.ssn], mask: { type: partial, keepLast: 4 } }
rules:
  - { name: no-destruction, match: { statements: [DROP, TRUNCATE] }, action: deny }
  - { name: review-deletes, match: { statements: [DELETE] }, action: hold, approval: { groups: [dba], count: 1, expiresIn: 15m } }
`,
  );
  const cli = (...args: string[]) =>
    execFileSync(process.execPath, ['bin/gatehouse.mjs', ...args], {
      env: { ...process.env, GATEHOUSE_URL: gateway.consoleUrl, GATEHOUSE_DATA_DIR: gateway.dataDir, BENCH_PASSWORD: direct.password },
      encoding: 'utf8',
    }).trim();
  cli('apply', policy);
  const token = cli('token', 'create', '--principal', 'bench-agent', '--ttl', '1h');
  return { name: 'gatehouse', host: '127.0.0.1', port: gateway.proxyPort, user: 'bench-agent', password: token, database: 'bench' };
}

async function startPgBouncer(direct: Target, directory: string): Promise<{ target: Target; stop: () => void } | null> {
  const binary = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) => existsSync(path));
  if (binary === undefined) return null;
  const port = 20_000 + (process.pid % 20_000);
  const config = join(directory, 'pgbouncer.ini');
  const users = join(directory, 'users.txt');
  writeFileSync(users, `"${direct.user}" "${direct.password}"\n`);
  writeFileSync(
    config,
    `[databases]\nbench = host=${direct.host} port=${direct.port} dbname=${direct.database}\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=${port}\nauth_type=scram-sha-256\nauth_file=${users}\npool_mode=session\ndefault_pool_size=50\nunix_socket_dir=\nlogfile=${join(directory, 'pgbouncer.log')}\n`,
  );
  execFileSync('chmod', ['-R', 'a+rwX', directory]);
  const child = spawn(binary, [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), config], { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, 500));
  return { target: { ...direct, name: 'pgbouncer', host: '127.0.0.1', port, database: 'bench' }, stop: () => child.kill('SIGINT') };
}

async function onDatabase(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;
}

function quartiles(values: readonly number[]): string {
  return `${percentile(values, 50).toFixed(2)} [${percentile(values, 25).toFixed(2)} … ${percentile(values, 75).toFixed(2)}]`;
}
