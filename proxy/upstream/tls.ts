import net from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { TlsMode } from '../../db/schema/shapes';

/**
 * libpq's sslmode as options for node:tls; false for no TLS. prefer falls back to plaintext in proxy/upstream/connect.ts;
 * for the control connection, which cannot fall back, it means plaintext on loopback and TLS elsewhere.
 */
export function tlsOptions(mode: TlsMode, host: string): ConnectionOptions | false {
  if (mode === 'disable') return false;
  if (mode === 'prefer' && (host === 'localhost' || host === '::1' || host.startsWith('127.'))) return false;
  return {
    rejectUnauthorized: mode === 'verify-ca' || mode === 'verify-full',
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
}
