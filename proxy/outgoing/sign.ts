import { createHmac } from 'node:crypto';

/**
 * Signs as the Standard Webhooks specification says: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body` under the secret's bytes; one
 * signature a secret, separated by spaces, so that a receiver may change over while both are valid. Pure.
 *
 * @param secrets `whsec_` and the key in base64
 * @param timestamp seconds since 1970
 */
export function sign(secrets: readonly string[], id: string, timestamp: number, body: string): string {
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
      return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
    })
    .join(' ');
}
