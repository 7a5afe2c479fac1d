import { shortened, UpstreamError, type UpstreamStage } from './error';

interface Around {
  stage: UpstreamStage;
  host: string;
  hasCa: boolean;
}

const unknownAuthority = ({ hasCa }: Around) =>
  hasCa
    ? 'its authority is not in tlsCa: give the root certificate that the server’s chain ends in'
    : 'set tlsCa to the certificate of its authority';

/** OpenSSL's and Node's names for what is wrong with a handshake → what it means and what to do. */
const TLS: Readonly<Record<string, (around: Around) => [reason: string, hint?: string]>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: (around) => ['self-signed certificate', unknownAuthority(around)],
  SELF_SIGNED_CERT_IN_CHAIN: (around) => ['self-signed certificate in chain', unknownAuthority(around)],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: (around) => ['the certificate’s authority is not known', unknownAuthority(around)],
  UNABLE_TO_GET_ISSUER_CERT: (around) => ['the certificate’s authority is not known', unknownAuthority(around)],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: (around) => ['the certificate’s authority is not known', unknownAuthority(around)],
  CERT_SIGNATURE_FAILURE: (around) => ['the certificate is not signed by the authority it names', unknownAuthority(around)],
  CERT_HAS_EXPIRED: () => ['the certificate, or one of its authorities, has expired', 'renew it at the server'],
  CERT_NOT_YET_VALID: () => ['the certificate is not valid yet', 'check the clocks, or wait'],
  CERT_REVOKED: () => ['the certificate is revoked', 'renew it at the server'],
  INVALID_CA: () => ['a certificate in the chain may not sign others', 'give an authority’s certificate in tlsCa'],
  INVALID_PURPOSE: () => ['the certificate is not for servers', 'give the server one with the purpose serverAuth'],
  ERR_SSL_UNSUPPORTED_PROTOCOL: () => ['the server speaks nothing newer than TLS 1.1', 'set ssl_min_protocol_version to TLSv1.2 there'],
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: () => ['the server does not speak TLS 1.2 or 1.3', 'set ssl_max_protocol_version there'],
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: () => ['the server does not select the protocol postgresql', 'check host and port'],
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: () => ['the server refused the handshake', 'it may ask for a client certificate'],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: () => ['the server asks for a client certificate', 'set tlsCertificate and tlsKey'],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: () => [
    'the server does not accept the client certificate',
    'its authority has to be in the server’s ssl_ca_file',
  ],
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: () => ['the server says the client certificate has expired', 'renew tlsCertificate'],
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: () => ['the server does not accept the client certificate', 'check tlsCertificate'],
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: () => ['the server says the client certificate is revoked', 'renew tlsCertificate'],
  ERR_SSL_WRONG_VERSION_NUMBER: () => ['the server did not answer with TLS', 'check host and port'],
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: () => ['tlsKey is not the key of tlsCertificate', 'give the two that belong together'],
};

/** The network's names. What a client is told leaves out the address. */
const NETWORK: Readonly<Record<string, [told: string, hint?: string]>> = {
  ENOTFOUND: ['the host name is not known', 'check the host name'],
  EAI_AGAIN: ['the name server did not answer', 'try again'],
  ECONNREFUSED: ['connection refused', 'nothing listens there: check host, port and listen_addresses'],
  ETIMEDOUT: ['no answer', 'a firewall may drop the packets: check network rules'],
  EHOSTUNREACH: ['the host cannot be reached', 'check network rules'],
  ENETUNREACH: ['the network cannot be reached', 'check network rules'],
  ECONNRESET: ['the server closed the connection'],
  EPIPE: ['the server closed the connection'],
};

/** Puts what a socket or OpenSSL threw into words. An UpstreamError passes as it is. */
export function inWords(error: unknown, around: Around): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const code = textField(error, 'code');
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return wrongName(error, around);
  const known = TLS[code]?.(around);
  if (known !== undefined) {
    const [reason, hint] = known;
    return new UpstreamError(reason, { stage: 'TLS', code, ...(hint === undefined ? {} : { hint }) });
  }
  const network = NETWORK[code];
  const message = error instanceof Error ? shortened(error.message) : '';
  if (network !== undefined) {
    const [told, hint] = network;
    return new UpstreamError(message === '' ? told : message, { stage: around.stage, code, told, ...(hint === undefined ? {} : { hint }) });
  }
  // OpenSSL's message is its own file and line; its reason is for people.
  const reason = shortened(textField(error, 'reason')) || message || 'connection failed';
  return new UpstreamError(reason, { stage: around.stage, ...(code === '' ? {} : { code, told: `failed (${shortened(code, 60)})` }) });
}

function wrongName(error: unknown, { host }: Around): UpstreamError {
  return new UpstreamError(`the certificate is for ${certificateNames(error)}, not ${host}`, {
    stage: 'TLS',
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    hint: 'use a name it is for as host, or set tls to verify-ca',
  });
}

/** The names a refused certificate is for, of the kind it uses: alternative names, else the common name. */
function certificateNames(error: unknown): string {
  const certificate = typeof error === 'object' && error !== null && 'cert' in error ? error.cert : undefined;
  const alternative = textField(certificate, 'subjectaltname')
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address|URI|email):/, ''))
    .filter((name) => name !== '');
  const subject = typeof certificate === 'object' && certificate !== null && 'subject' in certificate ? certificate.subject : undefined;
  const names = alternative.length > 0 ? alternative : [textField(subject, 'CN') || 'no name'];
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return shortened(names.slice(0, 3).join(', ')) + more;
}

function textField(from: unknown, name: string): string {
  if (typeof from !== 'object' || from === null) return '';
  const value: unknown = Reflect.get(from, name);
  return typeof value === 'string' ? value : '';
}

/** What an ErrorResponse during sign-in means to a client of ours, who knows neither our role nor our database there. */
const TOLD: Readonly<Record<string, [told: string, hint?: string]>> = {
  '28P01': ['the upstream refused the password of this connection', 'check user name and password'],
  '28000': ['the upstream does not let this connection’s role in', 'see its pg_hba.conf and its log'],
  '3D000': ['the upstream database does not exist', 'check the connection’s database'],
  '53300': ['the upstream has too many connections', 'raise max_connections there or lower maxSessions'],
  '57P03': ['the upstream is starting up or shutting down', 'try again shortly'],
};

/**
 * An ErrorResponse during sign-in. The client is told the server's own words unless they could name role, host or database: what a client
 * brought in its start-up packet (a time zone, a setting) fails in words it knows from PostgreSQL.
 */
export function refusedSignIn(
  fields: ReadonlyMap<string, string>,
  target: { username: string; host: string; database: string; hasCertificate: boolean },
): UpstreamError {
  const sqlstate = shortened(fields.get('C') ?? '', 5);
  const reason = shortened(fields.get('M') ?? 'sign-in failed', 500);
  const facts = { stage: 'sign-in' as const, sqlstate: sqlstate === '' ? null : sqlstate };
  if (sqlstate === '28000' && /valid client certificate/.test(reason) && !target.hasCertificate)
    return new UpstreamError(reason, { ...facts, told: 'the server asks for a client certificate', hint: 'set tlsCertificate and tlsKey' });
  const [told, hint] = TOLD[sqlstate] ?? [];
  if (told !== undefined) return new UpstreamError(reason, { ...facts, told, ...(hint === undefined ? {} : { hint }) });
  const telling = [target.username, target.host, target.database].some((name) => reason.includes(name));
  return new UpstreamError(reason, telling ? { ...facts, told: `the upstream refused the session (SQLSTATE ${sqlstate})` } : facts);
}
