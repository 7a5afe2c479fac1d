import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * The client side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding.
 * Each step takes the server's message and returns ours; every failure throws with words that hold no secret.
 */
export interface ScramClient {
  first(): string;
  /** Answers server-first-message. */
  continue(serverFirst: string): string;
  /** Verifies server-final-message: a server that does not know the password cannot pass. */
  finish(serverFinal: string): void;
}

const MAX_ITERATIONS = 600_000;

export function scramClient(password: string, nonce = randomBytes(18).toString('base64')): ScramClient {
  // PostgreSQL ignores the user name in the exchange and takes the one of the start-up packet.
  const clientFirstBare = `n=,r=${nonce}`;
  let expectedSignature: Buffer | undefined;

  return {
    first: () => `n,,${clientFirstBare}`,
    continue(serverFirst) {
      const fields = attributes(serverFirst);
      const serverNonce = fields.get('r') ?? '';
      const salt = Buffer.from(fields.get('s') ?? '', 'base64');
      const iterations = Number(fields.get('i'));
      if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length)
        throw new Error('SCRAM: the server nonce is not ours continued');
      if (salt.length === 0) throw new Error('SCRAM: the server sent no salt');
      if (!Number.isInteger(iterations) || iterations < 1 || iterations > MAX_ITERATIONS)
        throw new Error('SCRAM: the iteration count is out of bounds');

      const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
      const clientKey = hmac(salted, 'Client Key');
      const storedKey = createHash('sha256').update(clientKey).digest();
      const withoutProof = `c=biws,r=${serverNonce}`;
      const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`;
      const signature = hmac(storedKey, authMessage);
      expectedSignature = hmac(hmac(salted, 'Server Key'), authMessage);
      const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0)));
      return `${withoutProof},p=${proof.toString('base64')}`;
    },
    finish(serverFinal) {
      const fields = attributes(serverFinal);
      const error = fields.get('e');
      if (error !== undefined) throw new Error(`SCRAM: the server refused: ${error}`);
      const given = Buffer.from(fields.get('v') ?? '', 'base64');
      if (expectedSignature === undefined || given.length !== expectedSignature.length || !timingSafeEqual(given, expectedSignature)) {
        throw new Error('SCRAM: the server did not prove that it knows the password');
      }
    },
  };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function attributes(message: string): Map<string, string> {
  return new Map(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]));
}
