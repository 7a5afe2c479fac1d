import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { endPointBinding } from './channelBinding';

/** The certificate the proxy port shows, ready for handshakes. */
export interface ServerIdentity {
  context: SecureContext;
  /** tls-server-end-point data; null where the certificate's algorithm defines none, and -PLUS cannot be offered. */
  channelBinding: Buffer | null;
  subject: string;
  expiresAt: Date;
}

/**
 * A certificate, followed by its chain if it has one, and its key, both PEM.
 * @throws in words for an operator, without a byte of the key
 */
export function readServerIdentity(certificate: Buffer, key: Buffer): ServerIdentity {
  const leaf = attempt('the certificate is not PEM', () => new X509Certificate(certificate));
  const privateKey: KeyObject = attempt('the key is not an unencrypted PEM private key', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) throw new Error('the key does not belong to the certificate');
  const context = attempt('certificate and key cannot be used for TLS', () =>
    createSecureContext({
      cert: certificate,
      key,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      honorCipherOrder: true,
      // As PostgreSQL's server: sessions are not resumed, and keys not renegotiated.
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    }),
  );
  return {
    context,
    channelBinding: endPointBinding(leaf.raw),
    subject: leaf.subject.replaceAll('\n', ', '),
    expiresAt: new Date(leaf.validTo),
  };
}

function attempt<T>(words: string, work: () => T): T {
  try {
    return work();
  } catch {
    throw new Error(words);
  }
}
