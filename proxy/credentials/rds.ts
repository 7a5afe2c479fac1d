import { AwsV4Signer } from 'aws4fetch';
import type { AwsIdentity } from './aws';
import { type Credential, unresolved } from './credential';

/** Amazon's: a token is for opening a session within a quarter of an hour. */
const EXPIRES_S = 900;
const FRESH_MS = 600_000;
/** A token works no longer than what signed it; a new session must have time to sign in. */
const SIGN_IN_MS = 30_000;

/**
 * A token of AWS RDS IAM authentication in place of a password: a request `connect` to the server, signed with Signature Version 4 in its
 * query (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html). Nothing is sent to
 * Amazon for it, beyond what the identity that signs it may take.
 */
export async function rdsToken(
  target: { host: string; port: number; username: string },
  region: string,
  { accessKeyId, secretAccessKey, sessionToken, expiresAtMs }: AwsIdentity,
  nowMs: number,
): Promise<Credential> {
  const url = new URL(`https://${target.host}:${target.port}/`);
  // It must be for the server that it goes to, and a URL may read another name out of this one.
  if (url.hostname !== target.host.toLowerCase())
    throw unresolved(`a token for ${target.host} cannot be made`, 'give the host as RDS names its endpoint');
  url.searchParams.set('Action', 'connect');
  url.searchParams.set('DBUser', target.username);
  url.searchParams.set('X-Amz-Expires', String(EXPIRES_S));
  const signed = await new AwsV4Signer({
    method: 'GET',
    url: url.href,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === null ? {} : { sessionToken }),
    service: 'rds-db',
    region,
    signQuery: true,
    datetime: new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
  }).sign();
  return {
    username: null,
    password: signed.url.href.slice('https://'.length),
    freshUntilMs: Math.min(nowMs + FRESH_MS, expiresAtMs - SIGN_IN_MS),
  };
}
