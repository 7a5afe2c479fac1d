import { createHmac, timingSafeEqual } from 'node:crypto';

/** Older ones may be replays (Slack, "Verifying requests"). */
const MOST_AGE_S = 5 * 60;

/**
 * Whether Slack signed these bytes with this secret, and just now: `v0=` and the hex HMAC-SHA256 of `v0:timestamp:body`. The body is the
 * raw one: what a parser made of it is not what was signed.
 */
export function isFromSlack(request: { timestamp: string; signature: string; body: Buffer }, signingSecret: string, now: Date): boolean {
  const { timestamp, signature, body } = request;
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now.getTime() / 1_000 - Number(timestamp)) > MOST_AGE_S) return false;
  const expected = `v0=${createHmac('sha256', signingSecret).update(`v0:${timestamp}:`).update(body).digest('hex')}`;
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected));
}
