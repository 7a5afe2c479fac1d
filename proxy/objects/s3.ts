import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import type { S3Target } from '../../db/schema/auditShapes';

type Environment = Readonly<Record<string, string | undefined>>;

export interface S3Object {
  /** Below the target's prefix; letters, digits and `._-/`. */
  key: string;
  body: Buffer;
  contentType: string;
}

/** What the object store said that is no success. The message is for the operator and holds no secret. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  constructor(
    message: string,
    /** HTTP status; null when it did not answer. */
    readonly status: number | null,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Puts an object where none is yet: `made`, or `exists` when the store has one under this key, which stays as it is. With the target's
 * `lockDays` nobody can delete or replace it for so long (object lock, compliance mode); the bucket must have object lock turned on.
 * @throws S3Error
 */
export async function putNew(target: S3Target, object: S3Object, env: Environment, nowMs: number): Promise<'made' | 'exists'> {
  const headers: Record<string, string> = {
    'content-type': object.contentType,
    // Two requests cannot both make it: the second is told so, whatever the first was.
    'if-none-match': '*',
    // An object under lock is only taken with a checksum of its own.
    'content-md5': createHash('md5').update(object.body).digest('base64'),
  };
  if (target.lockDays !== undefined) {
    headers['x-amz-object-lock-mode'] = 'COMPLIANCE';
    headers['x-amz-object-lock-retain-until-date'] = new Date(nowMs + target.lockDays * DAY_MS).toISOString();
  }
  const response = await request(target, 'PUT', object.key, { headers, body: object.body }, env, nowMs);
  const text = await response.text();
  if (response.ok) return 'made';
  // 409: another request is making it now. Either way, what is there is looked at.
  if (response.status === 412 || response.status === 409) return 'exists';
  throw new S3Error(sayStatus(response.status, text, target), response.status);
}

/** An object's bytes; null where there is none. @throws S3Error */
export async function getObject(target: S3Target, key: string, env: Environment, nowMs: number): Promise<Buffer | null> {
  const response = await request(target, 'GET', key, { headers: {} }, env, nowMs);
  if (response.ok) return Buffer.from(await response.arrayBuffer());
  const text = await response.text();
  if (response.status === 404 && !text.includes('NoSuchBucket')) return null;
  throw new S3Error(sayStatus(response.status, text, target), response.status);
}

async function request(
  target: S3Target,
  method: 'PUT' | 'GET',
  key: string,
  { headers, body }: { headers: Record<string, string>; body?: Buffer },
  env: Environment,
  nowMs: number,
): Promise<Response> {
  const accessKeyId = target.accessKeyId ?? env.AWS_ACCESS_KEY_ID;
  const secretAccessKey = target.secretAccessKey ?? env.AWS_SECRET_ACCESS_KEY;
  if (!accessKeyId || !secretAccessKey)
    throw new S3Error(
      'no credentials for the object store: set accessKeyId and secretAccessKey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
      null,
    );
  // A session token belongs to the environment's keys, not to the target's own.
  const sessionToken = target.accessKeyId === undefined ? env.AWS_SESSION_TOKEN : undefined;
  const region = regionOf(target, env);
  const signer = new AwsV4Signer({
    method,
    url: urlOf(target, key, region),
    headers: {
      ...headers,
      'x-amz-content-sha256': createHash('sha256')
        .update(body ?? '')
        .digest('hex'),
    },
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    service: 's3',
    region,
    datetime: new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    // What asks for the lock and for "only if there is none" is signed with the rest.
    allHeaders: true,
  });
  const signed = await signer.sign();
  try {
    return await fetch(signed.url, {
      method,
      headers: signed.headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : 'no answer';
    throw new S3Error(`the object store at ${signed.url.host} does not answer (${cause})`, null);
  }
}

const regionOf = (target: S3Target, env: Environment): string => target.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1';

/** Other stores take the bucket in the path; AWS takes it in the host, where its certificate has room for it. */
function urlOf(target: S3Target, key: string, region: string): string {
  const prefix = target.prefix?.replace(/^\/+|\/+$/g, '') ?? '';
  const path = `${prefix === '' ? '' : `${prefix}/`}${key}`.split('/').map(encodeURIComponent).join('/');
  if (target.endpoint !== undefined) return `${target.endpoint.replace(/\/+$/, '')}/${target.bucket}/${path}`;
  if (target.bucket.includes('.')) return `https://s3.${region}.amazonaws.com/${target.bucket}/${path}`;
  return `https://${target.bucket}.s3.${region}.amazonaws.com/${path}`;
}

/** The store's own code for what is wrong, and what to do where that is known. Its message may quote what was sent, so it stays away. */
function sayStatus(status: number, text: string, target: S3Target): string {
  const code = /<Code>([A-Za-z0-9.]{1,60})<\/Code>/.exec(text)?.[1];
  const said = `the object store answered ${status}${code === undefined ? '' : ` ${code}`} for the bucket ${target.bucket}`;
  if (status >= 300 && status < 400) return `${said}: another region or endpoint is needed`;
  switch (code) {
    case 'NoSuchBucket':
      return `${said}: it does not exist`;
    case 'InvalidRequest':
      return target.lockDays === undefined ? said : `${said}: object lock may not be turned on for it`;
    case 'AccessDenied':
      return `${said}: these keys need s3:PutObject and s3:GetObject${target.lockDays === undefined ? '' : ', and s3:PutObjectRetention for lockDays'}`;
    case 'RequestTimeTooSkewed':
      return `${said}: the clock of this machine is wrong`;
    default:
      return said;
  }
}
