import { X509Certificate } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import pg from 'pg';
import { startEmbedded } from './start';
import type { Issued } from './testCertificates';

export const PASSWORD = 'canary-password-4417';

/** Who signs in how; each role is named after its method. */
const HBA = `host all gatehouse 127.0.0.1/32 scram-sha-256
host all by_scram 127.0.0.1/32 scram-sha-256
host all by_md5 127.0.0.1/32 md5
host all by_password 127.0.0.1/32 password
host all by_trust 127.0.0.1/32 trust
hostssl all by_cert 127.0.0.1/32 cert
hostssl all only_tls 127.0.0.1/32 scram-sha-256
`;

/** A real PostgreSQL 18 whose TLS a test sets as it likes. */
export interface TlsServer {
  host: string;
  port: number;
  /** A superuser's session, for what a test wants to know or change. */
  admin: pg.Client;
  /** Shows another certificate from now on, and accepts client certificates of `clientCa`; null turns TLS off. */
  present(shown: Issued | null, clientCa?: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startTlsServer(): Promise<TlsServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'));
  if (process.getuid?.() === 0) chmodSync(dataDir, 0o711);
  const server = await startEmbedded({ dataDir, throwaway: true });
  const admin = new pg.Client({ connectionString: server.adminUrl('postgres') });
  await admin.connect();
  const write = (name: string, text: string) => {
    const path = join(server.cluster, name);
    rmSync(path, { force: true });
    writeFileSync(path, text, { mode: 0o600 });
    const owner = statSync(server.cluster);
    chownSync(path, owner.uid, owner.gid);
  };
  write('pg_hba.conf', HBA);
  for (const role of ['by_scram', 'by_password', 'by_trust', 'by_cert', 'only_tls'])
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'`);
  await admin.query(`SET password_encryption = 'md5'; CREATE ROLE by_md5 LOGIN PASSWORD '${PASSWORD}'`);
  await admin.query('SELECT pg_reload_conf()');
  return {
    host: server.host,
    port: server.port,
    admin,
    async present(shown, clientCa) {
      if (shown !== null) {
        write('server.crt', shown.certificate);
        write('server.key', shown.key);
        if (clientCa !== undefined) write('clients.crt', clientCa);
      }
      await admin.query(`ALTER SYSTEM SET ssl = ${shown === null ? 'off' : 'on'}`);
      await admin.query(`ALTER SYSTEM SET ssl_ca_file = '${clientCa === undefined ? '' : 'clients.crt'}'`);
      await admin.query('SELECT pg_reload_conf()');
      // The postmaster reads its files again when the signal has come through; until then it shows the old ones.
      const wanted = shown === null ? null : new X509Certificate(shown.certificate).fingerprint256;
      for (let tries = 0; (await shownBy(server.port)) !== wanted; tries++) {
        if (tries > 100) throw new Error('PostgreSQL does not show the new certificate; see its log');
        await delay(50);
      }
    },
    async stop() {
      await admin.end().catch(() => undefined);
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The fingerprint of the certificate a server shows; null when it offers no TLS. */
function shownBy(port: number): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1' }, () => socket.write(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      if (answer[0] !== 0x53) {
        socket.destroy();
        resolve(null);
        return;
      }
      const secure = tls.connect({ socket, rejectUnauthorized: false }, () => {
        resolve(secure.getPeerX509Certificate()?.fingerprint256 ?? null);
        secure.destroy();
      });
      secure.on('error', reject);
    });
  });
}
