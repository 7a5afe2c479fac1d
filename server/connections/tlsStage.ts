import type { X509Certificate } from 'node:crypto';
import type net from 'node:net';
import tls from 'node:tls';
import type { UpstreamTls } from '../../proxy/upstream/endpoint';
import { shortened } from '../../proxy/upstream/error';
import { verification } from '../../proxy/upstream/tls';
import { certificatesIn } from './certificates';
import type { Finding } from './shape';

const DAY_MS = 86_400_000;
const SOON_DAYS = 30;

/** What the TLS stage found: pure over the finished handshake. `loopback` says that clear text stays on this machine. */
export function tlsFinding(socket: net.Socket, settings: UpstreamTls, now: Date): Finding {
  if (!(socket instanceof tls.TLSSocket)) return inClear(socket, settings);
  const certificate = socket.getPeerX509Certificate();
  const verify = verification(settings);
  const problem = verify === 'nothing' && !socket.authorized ? socket.authorizationError : undefined;
  const facts = [
    { label: 'Version', value: socket.getProtocol() ?? 'unknown' },
    { label: 'Cipher', value: socket.getCipher().standardName },
    { label: 'ALPN', value: socket.alpnProtocol || 'none (PostgreSQL before 17)' },
    ...(certificate === undefined ? [] : certificateFacts(certificate, now)),
    { label: 'Verified', value: VERIFIED[verify] + (problem === undefined ? '' : ` (${shortened(String(problem), 60)})`) },
    ...(settings.certificate === null ? [] : [{ label: 'Client certificate', value: describe(certificatesIn(settings.certificate)[0]) }]),
  ];
  const hints = [...expiryHints(certificate, settings, now), ...weakHints(settings, verify)];
  const detail = `${socket.getProtocol() ?? 'TLS'}, ${SAID[verify]}`;
  return hints.length === 0 ? { status: 'ok', detail, facts } : { status: 'warn', detail, facts, hint: hints.join(' ') };
}

const VERIFIED = { nothing: 'no', chain: 'its authority, not its name', name: 'its authority and its name' } as const;
const SAID = {
  nothing: 'encrypted, the server’s certificate is not verified',
  chain: 'the certificate’s authority is verified, its name is not',
  name: 'authority and name are verified',
} as const;

function inClear(socket: net.Socket, { mode }: UpstreamTls): Finding {
  const words = 'statements and results travel in clear';
  if (mode === 'disable') return { status: 'skipped', detail: `tls is disable: ${words}` };
  const address = socket.remoteAddress ?? '';
  const loopback = address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
  return { status: loopback ? 'ok' : 'warn', detail: `the server offers no TLS; ${words}` };
}

function certificateFacts(certificate: X509Certificate, now: Date): { label: string; value: string }[] {
  const days = daysLeft(certificate, now);
  const until = new Date(certificate.validTo);
  const expiry = Number.isNaN(until.getTime()) ? certificate.validTo : until.toISOString().slice(0, 10);
  return [
    { label: 'Subject', value: describe(certificate) },
    { label: 'Issuer', value: oneLine(certificate.issuer) },
    { label: 'Expires', value: days < 0 ? `${expiry}, ${-days} days ago` : `${expiry}, in ${days} ${days === 1 ? 'day' : 'days'}` },
  ];
}

/** What runs out: the server's certificate, an authority of tlsCa, our own certificate. */
export function expiryHints(server: X509Certificate | undefined, settings: Pick<UpstreamTls, 'ca' | 'certificate'>, now: Date): string[] {
  const watched = [
    ...(server === undefined ? [] : [{ what: 'The certificate', certificate: server }]),
    ...certificatesIn(settings.ca ?? '').map((certificate) => ({ what: `tlsCa: ${describe(certificate)}`, certificate })),
    ...certificatesIn(settings.certificate ?? '')
      .slice(0, 1)
      .map((certificate) => ({ what: 'tlsCertificate', certificate })),
  ];
  return watched.flatMap(({ what, certificate }) => {
    const days = daysLeft(certificate, now);
    if (days < 0) return [`${what} has expired.`];
    return days < SOON_DAYS ? [`${what} expires in ${days} ${days === 1 ? 'day' : 'days'}.`] : [];
  });
}

function weakHints(settings: UpstreamTls, verify: ReturnType<typeof verification>): string[] {
  if (verify === 'chain' && settings.ca === null)
    return ['Without tlsCa every public authority is trusted, for any name: set tlsCa, or tls to verify-full.'];
  return [];
}

const daysLeft = (certificate: X509Certificate, now: Date) =>
  Math.floor((new Date(certificate.validTo).getTime() - now.getTime()) / DAY_MS);

const describe = (certificate: X509Certificate | undefined) =>
  certificate === undefined ? 'none' : oneLine(certificate.subject || (certificate.subjectAltName ?? 'no subject'));

/** Node writes a distinguished name one part a line. */
const oneLine = (name: string) => shortened(name.split('\n').filter(Boolean).join(', '));
