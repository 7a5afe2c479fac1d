import net from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';
import type { UpstreamTls } from './endpoint';

/** ALPN's name for the protocol (PostgreSQL documentation 54.2.12); a server that selects another is not the one we look for. */
export const ALPN = 'postgresql';

/**
 * What is verified: `name` is the chain and the host's name or address. As in libpq, a given CA is checked in every mode that uses TLS, so
 * `require` with one is `verify-ca` (PostgreSQL documentation 34.19.1).
 */
export function verification(settings: Pick<UpstreamTls, 'mode' | 'ca'>): 'nothing' | 'chain' | 'name' {
  switch (settings.mode) {
    case 'verify-full':
      return 'name';
    case 'verify-ca':
      return 'chain';
    case 'disable':
    case 'prefer':
    case 'require':
      return settings.ca === null || settings.mode === 'disable' ? 'nothing' : 'chain';
    default:
      return settings.mode satisfies never;
  }
}

/**
 * libpq's sslmode as options for node:tls, for a handshake that takes place; whether it does is decided in proxy/upstream/negotiate.ts.
 * Pure. An address is looked for among the certificate's IP SANs only, a name among its DNS SANs and, where there are none, its CN.
 */
export function tlsOptions(settings: UpstreamTls, host: string): ConnectionOptions {
  const verify = verification(settings);
  return {
    // Set here, because NODE_OPTIONS can lower the process's own default.
    minVersion: 'TLSv1.2',
    ALPNProtocols: [ALPN],
    rejectUnauthorized: verify !== 'nothing',
    // An address is not a server name (RFC 6066, section 3). Without one Node would compare with "localhost", so the host is bound below.
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    checkServerIdentity: (_name, certificate) => (verify === 'name' ? tls.checkServerIdentity(host, certificate) : undefined),
    ...(settings.ca === null ? {} : { ca: settings.ca }),
    ...(settings.certificate === null || settings.key === null ? {} : { cert: settings.certificate, key: settings.key }),
  };
}
