import { randomBytes, timingSafeEqual } from 'node:crypto';
import { decodeBase64, readAttributes } from './attributes';
import { clientKeyOf, digest, hmac, rememberedSaltedPassword, type ScramHash, serverKeyOf, xor } from './keys';

/**
 * The client side of SCRAM-SHA-256 (RFC 5802, RFC 7677) with tls-server-end-point binding (RFC 5929).
 * Each step takes the server's message and returns ours; every failure throws with words that hold no secret.
 */
export interface ScramClient {
  /** Which of the server's mechanisms this is. */
  mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';
  first(): string;
  /** Answers server-first-message. */
  continue(serverFirst: string): string;
  /** Verifies server-final-message: a server that does not know the password cannot pass. */
  finish(serverFinal: string): void;
}

const MAX_ITERATIONS = 600_000;

/**
 * @param options.offered the server's mechanisms
 * @param options.channelBinding the tls-server-end-point data of the connection (proxy/tls/channelBinding.ts); null without TLS, or where the
 *   certificate's signature algorithm has none. Where it is there and the server does not offer to bind, the server is told that we could
 *   have (`y`): had somebody taken the offer away on its way to us, the server would refuse.
 * @throws when the server offers neither mechanism
 */
export function scramClient(options: {
  password: string;
  offered: readonly string[];
  channelBinding: Buffer | null;
  /** Only for tests: the vectors of the RFCs. */
  fixed?: { nonce: string; user: string; hash: ScramHash };
}): ScramClient {
  const { password, offered, channelBinding } = options;
  const { nonce, user, hash } = options.fixed ?? { nonce: randomBytes(18).toString('base64'), user: '', hash: 'sha256' };
  const binds = channelBinding !== null && offered.includes('SCRAM-SHA-256-PLUS');
  if (!binds && !offered.includes('SCRAM-SHA-256')) throw new Error(`the server offers no SCRAM-SHA-256 (${offered.join(', ')})`);
  const header = binds ? 'p=tls-server-end-point,,' : channelBinding !== null ? 'y,,' : 'n,,';
  const bindingData = Buffer.concat([Buffer.from(header), ...(binds ? [channelBinding] : [])]).toString('base64');
  // PostgreSQL ignores the user name in the exchange and takes the one of the start-up packet.
  const clientFirstBare = `n=${user},r=${nonce}`;
  let expectedSignature: Buffer | undefined;

  return {
    mechanism: binds ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256',
    first: () => `${header}${clientFirstBare}`,
    continue(serverFirst) {
      const [r, s, i] = readAttributes(serverFirst) ?? [];
      if (r?.name !== 'r' || !r.value.startsWith(nonce) || r.value.length === nonce.length)
        throw new Error('SCRAM: the server nonce is not ours continued');
      const salt = s?.name === 's' ? decodeBase64(s.value) : null;
      if (salt === null || salt.length === 0) throw new Error('SCRAM: the server sent no salt');
      const iterations = i?.name === 'i' && /^\d+$/.test(i.value) ? Number(i.value) : 0;
      if (iterations < 1 || iterations > MAX_ITERATIONS) throw new Error('SCRAM: the iteration count is out of bounds');

      const salted = rememberedSaltedPassword(hash, password, salt, iterations);
      const clientKey = clientKeyOf(hash, salted);
      const withoutProof = `c=${bindingData},r=${r.value}`;
      const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`;
      const signature = hmac(hash, digest(hash, clientKey), authMessage);
      expectedSignature = hmac(hash, serverKeyOf(hash, salted), authMessage);
      return `${withoutProof},p=${xor(clientKey, signature).toString('base64')}`;
    },
    finish(serverFinal) {
      const [first] = readAttributes(serverFinal) ?? [];
      if (first?.name === 'e') throw new Error(`SCRAM: the server refused: ${first.value}`);
      const given = first?.name === 'v' ? decodeBase64(first.value) : null;
      if (given === null || expectedSignature === undefined || given.length !== expectedSignature.length) {
        throw new Error('SCRAM: the server did not prove that it knows the password');
      }
      if (!timingSafeEqual(given, expectedSignature)) throw new Error('SCRAM: the server did not prove that it knows the password');
    },
  };
}
