import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/**
 * A client's side of SCRAM-SHA-256 that says what it is told to: each step can be made to lie.
 * @param binding the hash of a certificate to bind to; null to say `n`
 * @param couldBind says `y`: the client could have bound, and believes it was not offered
 */
export function scramClient(options: { password: string; binding: Buffer | null; couldBind: boolean }) {
  const { password, binding, couldBind } = options;
  const header = binding !== null ? 'p=tls-server-end-point,,' : couldBind ? 'y,,' : 'n,,';
  const bare = `n=,r=${randomBytes(18).toString('base64')}`;
  let signature = '';
  return {
    mechanism: binding !== null ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256',
    first: header + bare,
    answer(challenge: string): string {
      const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge) ?? [];
      const salted = pbkdf2Sync(password, Buffer.from(salt ?? '', 'base64'), Number(iterations), 32, 'sha256');
      const clientKey = hmac(salted, 'Client Key');
      const channel = Buffer.concat([Buffer.from(header), binding ?? Buffer.alloc(0)]).toString('base64');
      const withoutProof = `c=${channel},r=${nonce}`;
      const signed = `${bare},${challenge},${withoutProof}`;
      const mask = hmac(createHash('sha256').update(clientKey).digest(), signed);
      signature = hmac(hmac(salted, 'Server Key'), signed).toString('base64');
      return `${withoutProof},p=${Buffer.from(clientKey.map((byte, i) => byte ^ (mask[i] ?? 0))).toString('base64')}`;
    },
    /** Whether the server knows the token as well. */
    proves: (final: string): boolean => final === `v=${signature}`,
  };
}
