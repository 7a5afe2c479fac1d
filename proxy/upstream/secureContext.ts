import { createHash } from 'node:crypto';
import tls, { type ConnectionOptions, type SecureContext } from 'node:tls';

const MOST = 100;
const known = new Map<string, SecureContext>();

/**
 * Options with their certificates read. Reading a bundle of 140 authorities takes 20 ms of this worker's one thread, so that is done once for
 * equal settings and not at every connect; resumption is not shared by it, every handshake is whole.
 * @throws what OpenSSL says of a certificate or key it cannot use
 */
export function withContext({ minVersion, ca, cert, key, ...options }: ConnectionOptions): ConnectionOptions {
  const id = createHash('sha256')
    .update(JSON.stringify([minVersion, ca, cert, key]))
    .digest('base64');
  let secureContext = known.get(id);
  if (secureContext === undefined) {
    secureContext = tls.createSecureContext({ minVersion, ca, cert, key });
    const [oldest] = known.keys();
    if (known.size >= MOST && oldest !== undefined) known.delete(oldest);
    known.set(id, secureContext);
  }
  return { ...options, secureContext };
}
