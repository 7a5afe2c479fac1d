import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UpstreamError } from '../upstream/error';
import { type Environment, unresolved } from './credential';

/** What signs a request to AWS. */
export interface AwsIdentity {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | null;
  /** Epoch milliseconds; infinite where they do not end. */
  expiresAtMs: number;
}

export interface Aws {
  /** @param region whose STS is asked when the environment names no region @throws UpstreamError in words, never a secret */
  identity(region: string): Promise<AwsIdentity>;
}

const TIMEOUT_MS = 4_000;
/** Nothing answers there outside of EC2, and a session waits. */
const METADATA_TIMEOUT_MS = 1_000;
const MAX_BYTES = 65_536;
/** Amazon offers new ones this long before the old ones end, as its own libraries expect. */
const RENEW_BEFORE_MS = 300_000;
/** Ones that end sooner are not used: a token signed with them has to live until its session is open. */
const LEAST_LIFE_MS = 30_000;

const RETRY_MS = 10_000;

/** Where the plain answers of containers may come from (docs.aws.amazon.com/sdkref, container credential provider). */
const CONTAINER_HOSTS: ReadonlySet<string> = new Set([
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
  'localhost',
  '127.0.0.1',
  '[::1]',
]);

/**
 * Who the gateway is for AWS, in the order of Amazon's libraries: keys of the environment, a web identity (EKS service accounts), the task's or
 * pod's role, the instance's. What ends is asked for anew before it does, once however many wait, and used on while Amazon does not answer.
 */
export function createAws(env: Environment, now: () => number): Aws {
  let kept: AwsIdentity | null = null;
  let renewAtMs = 0;
  let asking: Promise<AwsIdentity> | null = null;

  const ask = async (region: string): Promise<AwsIdentity> => {
    try {
      const fresh = await find(env, region);
      kept = fresh;
      renewAtMs = Math.max(fresh.expiresAtMs - RENEW_BEFORE_MS, now() + (fresh.expiresAtMs - now()) / 2);
      return fresh;
    } catch (error) {
      if (kept === null || kept.expiresAtMs - LEAST_LIFE_MS <= now()) throw error;
      // Sessions do not wait for it one after the other.
      renewAtMs = Math.min(now() + RETRY_MS, kept.expiresAtMs - LEAST_LIFE_MS);
      return kept;
    }
  };

  return {
    async identity(region) {
      if (kept !== null && renewAtMs > now()) return kept;
      asking ??= ask(region).finally(() => {
        asking = null;
      });
      return asking;
    },
  };
}

function find(env: Environment, region: string): Promise<AwsIdentity> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = env;
  if (accessKeyId && secretAccessKey)
    return Promise.resolve({ accessKeyId, secretAccessKey, sessionToken: sessionToken || null, expiresAtMs: Number.POSITIVE_INFINITY });
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE) return webIdentity(env, env.AWS_WEB_IDENTITY_TOKEN_FILE, region);
  if (env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI) return ofContainer(env);
  return ofInstance(env);
}

/** STS AssumeRoleWithWebIdentity (docs.aws.amazon.com/STS/latest/APIReference): the token is the proof, so the request is not signed. */
async function webIdentity(env: Environment, file: string, given: string): Promise<AwsIdentity> {
  if (!env.AWS_ROLE_ARN) throw unresolved('AWS is not told which role to take', 'set AWS_ROLE_ARN where the gateway starts');
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || given;
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: env.AWS_ROLE_ARN,
    RoleSessionName: env.AWS_ROLE_SESSION_NAME || 'gatehouse',
    // The kubelet writes it anew before it ends.
    WebIdentityToken: await fileText(file, 'AWS_WEB_IDENTITY_TOKEN_FILE'),
  });
  const address = env.AWS_ENDPOINT_URL_STS || `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`;
  const { status, text } = await request('AWS STS', address, { method: 'POST', body: form });
  if (status !== 200)
    throw unresolved(
      `AWS STS refused the web identity (${tag(text, 'Code') ?? `status ${status}`})`,
      'check AWS_ROLE_ARN, and that the role trusts this service account',
    );
  return identityOf('AWS STS', {
    AccessKeyId: tag(text, 'AccessKeyId'),
    SecretAccessKey: tag(text, 'SecretAccessKey'),
    Token: tag(text, 'SessionToken'),
    Expiration: tag(text, 'Expiration'),
  });
}

/** ECS tasks and EKS Pod Identity: one GET, with the token that the agent gave. */
async function ofContainer(env: Environment): Promise<AwsIdentity> {
  const address = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    ? `http://169.254.170.2${env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI}`
    : (env.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? '');
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || (url.protocol !== 'https:' && !CONTAINER_HOSTS.has(url.hostname)))
    throw unresolved(
      'the credentials of this AWS container may not be read',
      'AWS_CONTAINER_CREDENTIALS_FULL_URI must be https or the container agent’s',
    );
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = file ? await fileText(file, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE') : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  const { status, text } = await request('the AWS container agent', url.href, { headers: token ? { authorization: token } : {} });
  if (status !== 200)
    throw unresolved(
      `the AWS container agent gives no credentials (status ${status})`,
      'check the role of the task or of the pod identity association',
    );
  return identityOf('the AWS container agent', json(text));
}

/** The role of an EC2 instance by its metadata service, version 2 only. */
async function ofInstance(env: Environment): Promise<AwsIdentity> {
  const none = () =>
    unresolved(
      'AWS has no credentials here',
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, where the gateway starts, or give its task, pod or instance a role',
    );
  if (env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true') throw none();
  const base = `${(env.AWS_EC2_METADATA_SERVICE_ENDPOINT || 'http://169.254.169.254').replace(/\/+$/, '')}/latest`;
  const from = 'the EC2 metadata service';
  const ask = (path: string, init: RequestInit) => request(from, `${base}/${path}`, init, METADATA_TIMEOUT_MS);
  const session = await ask('api/token', { method: 'PUT', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' } }).catch(() => {
    throw none();
  });
  if (session.status !== 200) throw none();
  const headers = { 'x-aws-ec2-metadata-token': session.text };
  const roles = await ask('meta-data/iam/security-credentials/', { headers });
  const role = roles.status === 200 ? (roles.text.split('\n')[0]?.trim() ?? '') : '';
  if (role === '') throw unresolved('this EC2 instance has no role', 'give it an instance profile');
  const { status, text } = await ask(`meta-data/iam/security-credentials/${encodeURIComponent(role)}`, { headers });
  if (status !== 200) throw unresolved(`${from} gives no credentials (status ${status})`, 'check the role of the instance');
  return identityOf(from, json(text));
}

const answerSchema = z.object({
  AccessKeyId: z.string().min(1),
  SecretAccessKey: z.string().min(1),
  Token: z.string().min(1),
  Expiration: z.string().transform((text, context) => {
    const ms = Date.parse(text);
    if (!Number.isNaN(ms)) return ms;
    context.addIssue({ code: 'custom', message: 'a time' });
    return z.NEVER;
  }),
});

function identityOf(from: string, answer: unknown): AwsIdentity {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) throw unresolved(`${from} answered without credentials`, 'see what it says to other programs there');
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken, Expiration: expiresAtMs } = parsed.data;
  return { accessKeyId, secretAccessKey, sessionToken, expiresAtMs };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The text of an element of STS's XML; what is asked for here holds no markup. */
const tag = (xml: string, name: string): string | undefined => new RegExp(`<${name}>\\s*([^<]+?)\\s*</${name}>`).exec(xml)?.[1];

async function fileText(path: string, setting: string): Promise<string> {
  return (
    await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw unresolved(`the file of ${setting} cannot be read (${error.code ?? 'unknown error'})`, 'check the path and who may read it');
    })
  ).trim();
}

async function request(
  from: string,
  address: string,
  init: RequestInit,
  timeoutMs = TIMEOUT_MS,
): Promise<{ status: number; text: string }> {
  try {
    // A redirect would take the proof of who we are somewhere else.
    const response = await fetch(address, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    return { status: response.status, text: (await response.text()).slice(0, MAX_BYTES) };
  } catch (error) {
    if (error instanceof UpstreamError) throw error;
    const late = error instanceof Error && error.name === 'TimeoutError';
    throw unresolved(
      `${from} ${late ? `did not answer within ${timeoutMs / 1_000} s` : 'cannot be reached'}`,
      'check the way there from where the gateway runs',
    );
  }
}
