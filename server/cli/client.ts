import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTRPCClient, httpLink } from '@trpc/client';
import superjson from 'superjson';
import type { AppRouter } from '../api/router';
import { CONSOLE_URL_FILE } from '../boot/dataDir';
import { CliError } from './errors';
import { keptLogin, type LoginEnvironment } from './keptLogins';

export type Client = ReturnType<typeof createTRPCClient<AppRouter>>;

export interface Environment extends LoginEnvironment {
  GATEHOUSE_URL?: string | undefined;
  GATEHOUSE_TOKEN?: string | undefined;
  GATEHOUSE_DATA_DIR?: string | undefined;
}

/** The running gateway's address, without a trailing slash: GATEHOUSE_URL, or that of the gateway on this machine. */
export const gatewayUrl = (env: Environment): string => (env.GATEHOUSE_URL || localUrl(env)).replace(/\/+$/, '');

function localUrl(env: Environment): string {
  const path = join(dataDirOf(env), CONSOLE_URL_FILE);
  const kept = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  // A folder that somebody else made must not be able to send a token away from this machine.
  return LOCAL.test(kept) ? kept : 'http://127.0.0.1:3000';
}

const LOCAL = /^http:\/\/(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost):\d+$/;

const dataDirOf = (env: Environment): string => env.GATEHOUSE_DATA_DIR || '.gatehouse';

export const apiUrl = (env: Environment): string => `${gatewayUrl(env)}/api/trpc`;

/** Speaks tRPC with the gateway. */
export function createClient(env: Environment): Client {
  return createTRPCClient<AppRouter>({ links: [httpLink({ url: apiUrl(env), transformer: superjson, headers: bearer(env) })] });
}

export const bearer = (env: Environment): { authorization: string } => ({ authorization: `Bearer ${readToken(env)}` });

/** GATEHOUSE_TOKEN, what `gatehouse login` keeps for this gateway, or, on the same machine, the local administrator's token. @throws CliError when there is neither */
export function readToken(env: Environment): string {
  if (env.GATEHOUSE_TOKEN !== undefined && env.GATEHOUSE_TOKEN !== '') return env.GATEHOUSE_TOKEN;
  const login = keptLogin(env, gatewayUrl(env));
  if (login !== null) return login.token;
  const path = join(dataDirOf(env), 'admin-token');
  if (!existsSync(path))
    throw new CliError(
      `no access token: run gatehouse login, set GATEHOUSE_TOKEN, or run this where the gateway keeps its data (looked for ${path})`,
    );
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    throw new CliError(`${path} cannot be read: run this as the user the gateway runs as, or set GATEHOUSE_TOKEN`);
  }
}
