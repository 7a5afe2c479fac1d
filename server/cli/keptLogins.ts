import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** A sign-in of this person at a gateway, as `gatehouse login` keeps it. */
export interface KeptLogin {
  token: string;
  principal: string;
  expiresAt: string;
  /** The only ones that it opens; null: all, and the API. */
  connections: string[] | null;
  proxy: { host: string; port: number };
}

export interface LoginEnvironment {
  XDG_CONFIG_HOME?: string | undefined;
  HOME?: string | undefined;
}

export const loginsFile = (env: LoginEnvironment): string =>
  join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'gatehouse', 'credentials.json');

/** The sign-in at this address that still works; null where there is none. */
export function keptLogin(env: LoginEnvironment, url: string, now = new Date()): KeptLogin | null {
  const login = readLogins(env)[url];
  return login !== undefined && new Date(login.expiresAt) > now ? login : null;
}

/** Keeps one, or forgets it. Readable by its owner alone from its first byte on, and replaced in one step. */
export function keepLogin(env: LoginEnvironment, url: string, login: KeptLogin | null): void {
  const path = loginsFile(env);
  const { [url]: _before, ...others } = readLogins(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(login === null ? others : { ...others, [url]: login }, null, 2)}\n`, { mode: 0o600 });
  chmodSync(next, 0o600);
  renameSync(next, path);
}

function readLogins(env: LoginEnvironment): Record<string, KeptLogin> {
  const path = loginsFile(env);
  if (!existsSync(path)) return {};
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, KeptLogin>) : {};
  } catch {
    // Half a file is nobody's sign-in.
    return {};
  }
}
