import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { SUPERUSER, superuserPassword } from '../db/embedded/cluster';
import { demoToken } from './api';
import type { Gateway } from './gateway';

export const DEMO_AGENT = 'support-bot';

/** A client's own error as node-postgres gives it, with the fields PostgreSQL and the gateway send. */
export type ServerError = pg.DatabaseError;

interface ClientOptions {
  user?: string;
  password?: string;
  database?: string;
  applicationName?: string;
}

/** A client's settings for the gateway; as the demo agent unless told otherwise. */
export function proxySettings(gateway: Gateway, options: ClientOptions = {}) {
  return {
    host: '127.0.0.1',
    port: gateway.proxyPort,
    user: options.user ?? DEMO_AGENT,
    password: options.password ?? demoToken(gateway),
    database: options.database ?? 'shop',
    application_name: options.applicationName ?? 'e2e',
  };
}

/** Where the demo database is, around the gateway: as its superuser. */
export function directSettings(gateway: Gateway, database = 'shop') {
  const { port } = JSON.parse(readFileSync(join(gateway.dataDir, 'embedded.json'), 'utf8')) as { port: number };
  return { host: '127.0.0.1', port, user: SUPERUSER, password: superuserPassword(gateway.dataDir), database };
}

/** Opens a client that collects its notices; the caller ends it. Errors of the connection itself are kept, not thrown. */
export async function open(settings: pg.ClientConfig): Promise<pg.Client & { notices: pg.DatabaseError[]; lost: Error[] }> {
  const client = new pg.Client({ connectionTimeoutMillis: 10_000, ...settings });
  const notices: pg.DatabaseError[] = [];
  const lost: Error[] = [];
  client.on('notice', (notice) => notices.push(notice as unknown as pg.DatabaseError));
  client.on('error', (error) => lost.push(error));
  await client.connect();
  return Object.assign(client, { notices, lost });
}

/** The error of a promise that has to fail. */
export async function failure(work: Promise<unknown>): Promise<ServerError> {
  try {
    await work;
  } catch (error) {
    return error as ServerError;
  }
  throw new Error('it succeeded, and should have failed');
}

/** Asks until there is an answer, at most `timeoutMs`. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined | false>, timeoutMs = 10_000): Promise<T> {
  for (const until = Date.now() + timeoutMs; ; ) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > until) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
