import type { PasswordFrom, TlsMode, TlsNegotiation } from '../../db/schema/shapes';
import { open, seal } from '../../db/secrets';

export interface UpstreamTls {
  mode: TlsMode;
  negotiation: TlsNegotiation;
  /** PEM; null trusts the authorities Node trusts. */
  ca: string | null;
  /** PEM; null offers no client certificate. */
  certificate: string | null;
  /** PEM, in clear; set exactly when `certificate` is. */
  key: string | null;
}

/** Where and as whom to sign in upstream. Its credentials are in clear and never leave the process but to that server. */
export interface Endpoint {
  host: string;
  port: number;
  database: string;
  username: string;
  password: string | null;
  /** Where the password is instead: connecting resolves it. */
  passwordFrom?: PasswordFrom | null;
  tls: UpstreamTls;
}

/** A connection as the store and the policy snapshot hold it. */
export interface SealedEndpoint extends Omit<Endpoint, 'password' | 'tls'> {
  id: string;
  passwordSealed: string | null;
  tls: TlsMode;
  tlsNegotiation: TlsNegotiation;
  tlsCa: string | null;
  tlsCertificate: string | null;
  tlsKeySealed: string | null;
}

/** Bound to more than the row, so that a key's envelope put in the password's place does not open and is not sent as one. */
export const tlsKeyBinding = (connectionId: string) => `${connectionId} tlsKey`;

export const sealTlsKey = (secretKey: Buffer, key: string, connectionId: string): string =>
  seal(secretKey, key, tlsKeyBinding(connectionId));
export const openTlsKey = (secretKey: Buffer, sealed: string, connectionId: string): string =>
  open(secretKey, sealed, tlsKeyBinding(connectionId));

/** Opens a stored connection's credentials. @throws when GATEHOUSE_SECRET_KEY is not the key they were sealed with */
export function endpointOf(stored: SealedEndpoint, secretKey: Buffer): Endpoint {
  const { host, port, database, username } = stored;
  return {
    host,
    port,
    database,
    username,
    passwordFrom: stored.passwordFrom ?? null,
    password: stored.passwordSealed === null ? null : open(secretKey, stored.passwordSealed, stored.id),
    tls: {
      mode: stored.tls,
      negotiation: stored.tlsNegotiation,
      ca: stored.tlsCa,
      certificate: stored.tlsCertificate,
      key: stored.tlsKeySealed === null ? null : openTlsKey(secretKey, stored.tlsKeySealed, stored.id),
    },
  };
}
