import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect } from 'vitest';
import { mountRoutes } from '../boot/mount';
import { type HttpServer, listenHttp } from '../http';
import { stopLive } from '../live/start';
import { applyDocument } from '../policy/apply';
import { type Runtime, setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { createToken } from '../tokens/create';
import { NO_PROXIES } from '../web/clientAddress';
import type { Environment } from './client';
import { runCli } from './run';

/** The upstream's password: no command may say it. */
export const CANARY = 'canary-upstream-4182';

export interface Run {
  code: number;
  out: string;
  err: string;
}

/** A command that `psql` or `exec` would have run. */
export type Ran = [program: string, args: readonly string[], env: Record<string, string>];

/** A served gateway on a store of its own, and the command line of its administrator `root`, as on the gateway's own machine. */
export interface CliGateway {
  db: TestStore;
  folder: string;
  env: Environment & Record<string, string>;
  /** The database of the connection `crm`, which is the store's own, and whom the gateway signs in there as. */
  upstream: { host: URL; role: string; asRoot(sql: string): Promise<void> };
  /** A document with the connection `crm`; `policy.yaml` in the folder is the same. */
  policy(): string;
  run(argv: string[], overrides?: Record<string, string | undefined>, onOut?: (text: string) => void): Promise<Run>;
  file(name: string, text: string): string;
  /** Another address of it, where nobody has failed to sign in yet. */
  open(): Promise<string>;
  /** What commands have been run; each ends with 7. */
  ran: Ran[];
  /** What pages have been opened by. */
  opened: [program: string, args: readonly string[]][];
  close(): Promise<void>;
}

/** @param options.applied false: the store has no policy yet; `runtime`: what differs from a plain one */
export async function withCli(
  options: { applied?: boolean; runtime?: (db: TestStore) => Promise<Partial<Runtime>> | Partial<Runtime> } = {},
): Promise<CliGateway> {
  const db = await withStore();
  const host = new URL(db.url);
  // Roles are the cluster's, which other tests share.
  const role = `cli_${randomBytes(4).toString('hex')}`;
  const asRoot = async (sql: string) => {
    const client = new pg.Client({ connectionString: db.url });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  await asRoot(`
    create schema crm;
    create table crm.customers (id int primary key, email text, ssn text);
    create table crm.orders (id int primary key, customer_id int);
    create view crm.contacts as select id, email, ssn as tax_id from crm.customers;
    create role ${role} login password '${CANARY}';
    grant usage on schema crm to ${role};
    grant select, delete on all tables in schema crm to ${role};`);
  const listening: HttpServer[] = [];
  const listen = async () => {
    const http = await listenHttp({ host: '127.0.0.1', port: 0 });
    listening.push(http);
    return http;
  };
  const http = await listen();
  const runtime = {
    store: db.store,
    storeUrl: db.url,
    secretKey: db.secretKey,
    dataDir: '/nowhere',
    gatewayId: 'gw_test',
    consoleUrl: `http://127.0.0.1:${http.port}`,
    slackApiUrl: 'http://127.0.0.1:9/',
    ...(await options.runtime?.(db)),
  };
  setRuntime(runtime);
  mountRoutes(http.routes, runtime, NO_PROXIES);
  const root = await db.as('admin', { name: 'root' });
  const { secret } = await createToken(root, { principal: 'root', ttlMs: 600_000 });
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  file('admin-token', `${secret}\n`);
  const env = { GATEHOUSE_URL: runtime.consoleUrl, GATEHOUSE_DATA_DIR: folder, XDG_CONFIG_HOME: folder, APP_PASSWORD: CANARY };
  const policy = () => documentOf(host, role);
  file('policy.yaml', policy());
  if (options.applied !== false) await applyDocument(root, { yaml: policy(), env: { APP_PASSWORD: CANARY } });
  const ran: Ran[] = [];
  const opened: [program: string, args: readonly string[]][] = [];
  return {
    db,
    folder,
    env,
    upstream: { host, role, asRoot },
    policy,
    async run(argv, overrides = {}, onOut) {
      let out = '';
      let err = '';
      const code = await runCli(argv, {
        env: { ...env, ...overrides },
        out: (text) => {
          out += text;
          onOut?.(text);
        },
        err: (text) => {
          err += text;
          onOut?.(text);
        },
        run: (...command) => {
          ran.push(command);
          return Promise.resolve(7);
        },
        open: (...command) => void opened.push(command),
      });
      expect(out + err).not.toContain(CANARY);
      return { code, out, err };
    },
    file,
    ran,
    opened,
    async open() {
      const another = await listen();
      mountRoutes(another.routes, runtime, NO_PROXIES);
      return `http://127.0.0.1:${another.port}`;
    },
    async close() {
      await Promise.all(listening.map((each) => each.close()));
      await stopLive();
      await asRoot(`drop owned by ${role}; drop role ${role}`);
      await db.close();
      rmSync(folder, { recursive: true });
    },
  };
}

const documentOf = (host: URL, role: string) => `version: 1
connections:
  - { name: crm, host: ${host.hostname}, port: ${host.port}, database: ${host.pathname.slice(1)}, username: ${role}, password: "\${APP_PASSWORD}" }
groups: [agents, dba]
principals:
  - { name: bot, kind: agent, owner: ana, groups: [agents] }
  - { name: ana, kind: human }
  - { name: root, kind: human, role: admin, groups: [dba] }
access:
  - { connections: [crm], groups: [agents] }
masking:
  - { name: pii, columns: [crm.customers.ssn], mask: { type: partial, keepLast: 4 } }
  - { name: mail, columns: [crm.customers.email], mask: { type: email }, mode: observe }
rules:
  - { name: no-drop, match: { statements: [DROP] }, action: deny }
  - { name: review-deletes, groups: [agents], match: { statements: [DELETE] }, action: hold, approval: { groups: [dba] } }
`;
