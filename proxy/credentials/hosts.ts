import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { PasswordFrom } from '../../db/schema/shapes';
import { type Environment, unresolved } from './credential';
import { demandUpstreamName, secretsDir } from './local';

export const SECRETS_HOSTS = 'GATEHOUSE_SECRETS_HOSTS';
export const SECRETS_HOSTS_FILE = 'GATEHOUSE_SECRETS_HOSTS_FILE';

type Kind = 'env' | 'file' | 'vault';

/** One entry of the operator's list: secrets, and the servers each of them may be sent to. */
interface SecretHosts {
  kind: Kind;
  name: string;
  /** The name is how theirs begin. */
  prefix: boolean;
  hosts: HostPattern[];
}

interface HostPattern {
  /** In small letters; with `subdomains` what stands behind the star, dot included. */
  host: string;
  subdomains: boolean;
  /** Null: any. */
  port: number | null;
}

export type ReadHosts = { ok: true; entries: SecretHosts[] } | { ok: false; message: string };

const EXAMPLE = 'env:GATEHOUSE_UPSTREAM_SHOP = db.example.com';

/**
 * Reads the operator's list: `env:NAME = host host:port; vault:database/creds/* = *.example.com`, entries in lines or behind semicolons,
 * `#` to the end of a line is a comment.
 */
export function readHosts(text: string): ReadHosts {
  const entries: SecretHosts[] = [];
  const parts = text
    .split('\n')
    .flatMap((line) => line.replace(/#.*$/, '').split(';'))
    .map((part) => part.trim())
    .filter((part) => part !== '');
  for (const part of parts) {
    const [, kind, name = '', hosts = ''] = /^(env|file|vault)\s*:\s*([^=]+?)\s*=\s*(.+)$/.exec(part) ?? [];
    if (kind === undefined) return { ok: false, message: `“${part}” is no entry: write e.g. ${EXAMPLE}` };
    const patterns = hosts.split(/[\s,]+/).filter((host) => host !== '');
    const read = patterns.map(readPattern);
    const wrong = patterns.find((_, index) => read[index] === null);
    if (wrong !== undefined)
      return {
        ok: false,
        message: `“${wrong}” is no host: write a name or an address, *.example.com for all below a domain, and :port if only that`,
      };
    const prefix = name.endsWith('*');
    const plain = prefix ? name.slice(0, -1) : name;
    if (plain.includes('*')) return { ok: false, message: `“${name}”: a star may only stand at its end` };
    entries.push({ kind: kind as Kind, name: plain, prefix, hosts: read.filter((pattern) => pattern !== null) });
  }
  return { ok: true, entries };
}

function readPattern(text: string): HostPattern | null {
  const [, bracketed, plain, portText] =
    /^(?:\[([0-9a-fA-F:.]+)\]|((?:\*\.)?[A-Za-z0-9._-]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || host === '*.') return null;
  const subdomains = host.startsWith('*.');
  return { host: plainHost(subdomains ? host.slice(1) : host), subdomains, port: portText === undefined ? null : Number(portText) };
}

const plainHost = (host: string): string => host.toLowerCase().replace(/\.$/, '');

/** Whether a secret may be sent to a server. Pure; what nobody listed may not. */
export function mayGo(
  entries: readonly SecretHosts[],
  { kind, name }: { kind: Kind; name: string },
  to: { host: string; port: number },
): boolean {
  const host = plainHost(to.host);
  // Resolvers read other characters in ways of their own.
  if (!/^[a-z0-9._:-]+$/.test(host)) return false;
  return entries.some(
    (entry) =>
      entry.kind === kind &&
      (entry.prefix ? name.startsWith(entry.name) : name === entry.name) &&
      entry.hosts.some(
        (pattern) =>
          (pattern.port === null || pattern.port === to.port) &&
          (pattern.subdomains ? host.endsWith(pattern.host) && host !== pattern.host : host === pattern.host),
      ),
  );
}

/** What the operator's list calls a reference; null: it needs no entry, because a token of RDS opens only the server it is signed for. */
function named(from: PasswordFrom, env: Environment): { kind: Kind; name: string; what: string } | null {
  if ('env' in from) {
    demandUpstreamName(from.env);
    return { kind: 'env', name: from.env, what: `the environment variable ${from.env}` };
  }
  if ('vault' in from) return { kind: 'vault', name: from.vault.path, what: `Vault’s ${from.vault.path}` };
  if ('rds' in from) return null;
  const root = resolve(secretsDir(from.file, env));
  const path = relative(root, resolve(root, from.file));
  return { kind: 'file', name: path, what: `the file ${from.file}` };
}

/**
 * A secret goes only to the servers that the operator named for it: whoever edits connections could otherwise point one at a server of their own
 * and read it there. A file with the list is read each time, so that a connection can be added while the gateway runs.
 * @throws UpstreamError in words that say what to set
 */
export async function demandHost(from: PasswordFrom, to: { host: string; port: number }, env: Environment): Promise<void> {
  const secret = named(from, env);
  if (secret === null) return;
  const file = env[SECRETS_HOSTS_FILE];
  const setting = file ? SECRETS_HOSTS_FILE : SECRETS_HOSTS;
  let text = env[SECRETS_HOSTS] ?? '';
  if (file)
    text = await readFile(file, 'utf8').catch(() => {
      throw unresolved(
        `${secret.what} may not be used: ${file} cannot be read`,
        `check ${SECRETS_HOSTS_FILE} and who may read it`,
        `${secret.what} may not be used`,
      );
    });
  const list = readHosts(text);
  if (!list.ok) throw unresolved(`${secret.what} may not be used: ${list.message}`, `mend ${setting}`, `${secret.what} may not be used`);
  if (mayGo(list.entries, secret, to)) return;
  throw unresolved(
    `${secret.what} may not be sent to ${to.host}:${to.port}`,
    `add ${secret.kind}:${secret.name} = its host to ${setting} where the gateway starts`,
    `${secret.what} may not be sent to this server`,
  );
}
