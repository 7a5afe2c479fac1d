import { lookup } from 'node:dns/promises';
import net from 'node:net';
import type pg from 'pg';
import { loadCatalog } from '../../proxy/catalog/load';
import { signIn, withCredential } from '../../proxy/upstream/connect';
import { controlClient } from '../../proxy/upstream/control';
import { withDeadline } from '../../proxy/upstream/deadline';
import type { Endpoint } from '../../proxy/upstream/endpoint';
import { UpstreamError } from '../../proxy/upstream/error';
import { negotiateTls, openSocket } from '../../proxy/upstream/negotiate';
import { controlTarget } from './control';
import type { Finding, StageName, TestStage } from './shape';
import { expiryHints, tlsFinding } from './tlsStage';

export interface StageTarget extends Endpoint {
  superuser: 'refuse' | 'allow';
  /** Why the stored password is not for this, so that it has to be given again. */
  passwordMissing: string | null;
}

const TIMEOUT_MS = 5_000;
const ORDER: readonly StageName[] = ['DNS', 'TCP', 'TLS', 'sign-in', 'version', 'role', 'catalog'];

/**
 * Runs the stages in order, the first ones on the path that sessions take; what comes after a failure is skipped. Never throws: a failure
 * is a finding.
 */
export async function runStages(target: StageTarget): Promise<TestStage[]> {
  const stages: TestStage[] = [];
  let socket: net.Socket | undefined;
  let client: pg.Client | undefined;
  const connected = (): net.Socket => {
    if (socket === undefined) throw new Error('not connected');
    return socket;
  };
  const signedIn = (): pg.Client => {
    if (client === undefined) throw new Error('not signed in');
    return client;
  };
  const run: Record<StageName, () => Promise<Finding>> = {
    DNS: () => resolveHost(target),
    TCP: async () => {
      socket = await within('TCP', undefined, () => openSocket(target));
      return { status: 'ok', detail: `connected to ${socket.remoteAddress ?? target.host} port ${target.port}` };
    },
    TLS: async () => {
      const plain = connected();
      socket = await within('TLS', plain, () => negotiateTls(plain, target));
      return tlsFinding(socket, target.tls, new Date());
    },
    'sign-in': async () => {
      if (target.passwordMissing !== null)
        return { status: 'failed', detail: `the stored password is not kept: ${target.passwordMissing}`, hint: 'Give the password again.' };
      const secured = connected();
      const upstream = await within('sign-in', secured, async () => {
        const known = await withCredential(controlTarget(target));
        return signIn(secured, known.target).catch((error: unknown) => {
          known.refused();
          throw error;
        });
      });
      client = controlClient(() => Promise.resolve(upstream));
      await client.connect();
      return { status: 'ok', detail: `signed in as ${target.username}` };
    },
    version: () => readVersion(signedIn()),
    role: () => readRole(signedIn(), target.superuser),
    catalog: async () => {
      const { relations } = await loadCatalog(signedIn());
      const tables = [...relations.values()].filter(
        (relation) => relation.schema !== 'pg_catalog' && relation.schema !== 'information_schema',
      );
      return tables.length > 0
        ? { status: 'ok', detail: `${tables.length} tables and views are visible` }
        : {
            status: 'warn',
            detail: 'no tables are visible',
            hint: `Grant ${target.username} USAGE on the schemas and SELECT on the tables it should reach.`,
          };
    },
  };

  let failed = false;
  for (const name of ORDER) {
    const started = performance.now();
    const finding: Finding = failed
      ? { status: 'skipped', detail: 'an earlier stage failed' }
      : await run[name]().catch((error: unknown) => explain(error, target));
    failed ||= finding.status === 'failed';
    stages.push({ name, durationMs: Math.round((performance.now() - started) * 10) / 10, ...finding });
  }
  await client?.end().catch(() => undefined);
  socket?.destroy();
  return stages;
}

const within = <T>(stage: UpstreamError['stage'], socket: net.Socket | undefined, work: () => Promise<T>): Promise<T> =>
  withDeadline(TIMEOUT_MS, (progress) => {
    progress.stage = stage;
    progress.socket = socket ?? null;
    return work();
  });

async function resolveHost(target: StageTarget): Promise<Finding> {
  if (net.isIP(target.host) !== 0) return { status: 'ok', detail: `${target.host} is an address` };
  const addresses = await lookup(target.host, { all: true });
  return { status: 'ok', detail: addresses.map((entry) => entry.address).join(', ') };
}

async function readVersion(client: pg.Client): Promise<Finding> {
  const { rows } = await client.query<{ number: string; text: string }>(
    "select current_setting('server_version_num') as number, current_setting('server_version') as text",
  );
  const major = Math.floor(Number(rows[0]?.number ?? 0) / 10_000);
  const detail = `PostgreSQL ${rows[0]?.text ?? 'unknown'}`;
  return major >= 14 ? { status: 'ok', detail } : { status: 'warn', detail, hint: 'Gatehouse is tested with PostgreSQL 14 and later.' };
}

async function readRole(client: pg.Client, superuser: 'refuse' | 'allow'): Promise<Finding> {
  const { rows } = await client.query<{ name: string; super: boolean; bypass: boolean }>(
    'select rolname as name, rolsuper as super, rolbypassrls as bypass from pg_catalog.pg_roles where rolname = current_user',
  );
  const [role] = rows;
  if (role === undefined) return { status: 'warn', detail: 'the role cannot be read' };
  const powers = [...(role.super ? ['superuser'] : []), ...(role.bypass ? ['BYPASSRLS'] : [])];
  if (powers.length === 0) return { status: 'ok', detail: `${role.name} is neither superuser nor BYPASSRLS` };
  return {
    status: 'warn',
    detail: `${role.name} is ${powers.join(' and ')}`,
    hint:
      superuser === 'refuse'
        ? 'Where masking applies, sessions are refused. Sign in upstream as a role with only the rights your agents need.'
        : 'Sign in upstream as a role with only the rights your agents need: what no rule allows should not be possible either.',
  };
}

/** What a client of the catalog stages or the resolver throws has no hint of its own. */
const HINTS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Check the host name.',
  EAI_AGAIN: 'The name server did not answer; try again.',
};

/** The words are the server's or the network's; a password is in neither. */
function explain(error: unknown, target: StageTarget): Finding {
  if (error instanceof UpstreamError) {
    const hints = [
      ...(error.hint === null ? [] : [sentence(error.hint)]),
      ...(error.stage === 'TLS' ? expiryHints(undefined, target.tls, new Date()) : []),
    ];
    return { status: 'failed', detail: error.reason, ...(hints.length === 0 ? {} : { hint: hints.join(' ') }) };
  }
  const message = error instanceof Error ? error.message : 'unknown cause';
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const hint = HINTS[code];
  return { status: 'failed', detail: message === '' ? code : message, ...(hint === undefined ? {} : { hint }) };
}

/** A setting's name keeps its small letter. */
const sentence = (words: string) => `${/^tls[A-Z]/.test(words) ? words : words.charAt(0).toUpperCase() + words.slice(1)}.`;
