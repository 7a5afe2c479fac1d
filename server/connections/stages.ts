import { lookup } from 'node:dns/promises';
import net from 'node:net';
import tls from 'node:tls';
import type pg from 'pg';
import { loadCatalog } from '../../proxy/catalog/load';
import { tlsOptions } from '../../proxy/upstream/tls';
import { type ControlTarget, controlClient } from './control';
import type { StageName, TestStage } from './shape';

export interface StageTarget extends ControlTarget {
  superuser: 'refuse' | 'allow';
  /** A password is stored, but for another host: it has to be typed again. */
  passwordMissing: boolean;
}

/** What a stage found; `hint` says what to do. */
type Finding = Pick<TestStage, 'status' | 'detail'> & { hint?: string };

const TIMEOUT_MS = 5_000;
const DAY_MS = 86_400_000;
const ORDER: readonly StageName[] = ['DNS', 'TCP', 'TLS', 'sign-in', 'version', 'role', 'catalog'];

/** Runs the stages in order; what comes after a failure is skipped. Never throws: a failure is a finding. */
export async function runStages(target: StageTarget): Promise<TestStage[]> {
  const stages: TestStage[] = [];
  let socket: net.Socket | undefined;
  let secured = false;
  let client: pg.Client | undefined;
  const signedIn = (): pg.Client => {
    if (client === undefined) throw new Error('not signed in');
    return client;
  };
  const run: Record<StageName, () => Promise<Finding>> = {
    DNS: () => resolveHost(target),
    TCP: async () => {
      socket = await connectTcp(target);
      return { status: 'ok', detail: `connected to ${socket.remoteAddress ?? target.host} port ${target.port}` };
    },
    TLS: async () => {
      if (socket === undefined) throw new Error('not connected');
      const result = await negotiate(socket, target);
      secured = result.secured;
      return result.finding;
    },
    'sign-in': async () => {
      if (target.passwordMissing)
        return { status: 'failed', detail: 'the stored password was given for another host or port', hint: 'Type the password again.' };
      client = controlClient(target, secured ? tlsOptions(target.tls === 'prefer' ? 'require' : target.tls, target.host) : false);
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
    const finding: Finding = failed ? { status: 'skipped', detail: 'an earlier stage failed' } : await run[name]().catch(explain);
    failed ||= finding.status === 'failed';
    stages.push({ name, durationMs: Math.round((performance.now() - started) * 10) / 10, ...finding });
    if (name === 'TLS') socket?.destroy();
  }
  await client?.end().catch(() => undefined);
  return stages;
}

async function resolveHost(target: StageTarget): Promise<Finding> {
  if (net.isIP(target.host) !== 0) return { status: 'ok', detail: `${target.host} is an address` };
  const addresses = await lookup(target.host, { all: true });
  return { status: 'ok', detail: addresses.map((entry) => entry.address).join(', ') };
}

function connectTcp(target: StageTarget): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: target.host, port: target.port, timeout: TIMEOUT_MS });
    socket.once('connect', () => resolve(socket));
    socket.once('timeout', () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
    socket.on('error', reject);
  });
}

/** SSLRequest (protocol chapter 54.2.12): length 8, code 80877103. The server answers one byte, S or N. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

async function negotiate(socket: net.Socket, target: StageTarget): Promise<{ secured: boolean; finding: Finding }> {
  if (target.tls === 'disable')
    return { secured: false, finding: { status: 'skipped', detail: 'tls is disable: statements and results travel in clear' } };
  socket.write(SSL_REQUEST);
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once('data', resolve);
    socket.once('close', () => reject(new Error('the server closed the connection when asked for TLS')));
  });
  if (answer.toString('latin1') !== 'S') {
    const detail = 'the server offers no TLS';
    if (target.tls !== 'prefer')
      return { secured: false, finding: { status: 'failed', detail, hint: 'Turn on ssl at the server, or set tls to prefer.' } };
    const loopback = socket.remoteAddress === '::1' || (socket.remoteAddress ?? '').includes('127.');
    return { secured: false, finding: { status: loopback ? 'ok' : 'warn', detail: `${detail}; statements and results travel in clear` } };
  }
  const secure = await new Promise<tls.TLSSocket>((resolve, reject) => {
    const options = tlsOptions(target.tls === 'prefer' ? 'require' : target.tls, target.host);
    const next = tls.connect({ socket, ...(options === false ? {} : options) });
    next.once('secureConnect', () => resolve(next));
    next.once('error', reject);
    next.setTimeout(TIMEOUT_MS, () => next.destroy(new Error('no TLS handshake in time')));
  });
  const certificate = secure.getPeerCertificate();
  const expires = new Date(certificate.valid_to);
  const days = Math.floor((expires.getTime() - Date.now()) / DAY_MS);
  secure.destroy();
  const detail = `${secure.getProtocol() ?? 'TLS'}, ${[certificate.subject?.CN ?? 'no subject'].flat().join(', ')}, expires ${Number.isNaN(days) ? 'unknown' : expires.toISOString().slice(0, 10)}`;
  return {
    secured: true,
    finding:
      days < 30
        ? { status: 'warn', detail, hint: days < 0 ? 'The certificate has expired.' : `The certificate expires in ${days} days.` }
        : { status: 'ok', detail },
  };
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

/** What to do about the failures that people meet. The words are the server's or the network's; a password is in neither. */
const HINTS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Check the host name.',
  EAI_AGAIN: 'The name server did not answer; try again.',
  ECONNREFUSED: 'Nothing listens there: check host, port and listen_addresses.',
  ETIMEDOUT: 'A firewall may drop the packets: check network rules.',
  '28P01': 'Check user name and password.',
  '28000': 'pg_hba.conf has no entry that lets this role in from here.',
  '3D000': 'Check the database name.',
  '53300': 'The server has no connection left; raise max_connections or lower maxSessions.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate is self-signed: give its authority in NODE_EXTRA_CA_CERTS, or set tls to require.',
  SELF_SIGNED_CERT_IN_CHAIN: 'The authority is not known: give it in NODE_EXTRA_CA_CERTS, or set tls to require.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'The authority is not known: give it in NODE_EXTRA_CA_CERTS, or set tls to require.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate is for another host: check the host, or set tls to verify-ca.',
};

function explain(error: unknown): Finding {
  const message = error instanceof Error ? error.message : 'unknown cause';
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const hint = HINTS[code];
  return { status: 'failed', detail: message === '' ? code : message, ...(hint === undefined ? {} : { hint }) };
}
