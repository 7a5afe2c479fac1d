import { z } from 'zod';
import { readHosts } from '../proxy/credentials/hosts';
import { parseDuration } from './duration';
import { SLACK_API_URL } from './slack/api';
import { parseProxies, type TrustedProxies } from './web/clientAddress';

export interface Config {
  /** Console. 0 takes a free port. */
  port: number;
  host: string;
  /** PostgreSQL clients. 0 takes a free port. */
  proxyPort: number;
  proxyHost: string;
  /** Proxy worker processes. */
  workers: number;
  dataDir: string;
  /** What this gateway's record is called among those of its store; null: its own id. */
  node: string | null;
  /** Null: the embedded PostgreSQL. Holds a password: never log it. */
  databaseUrl: string | null;
  /** Where the operator's key is; null: kept in the data directory. */
  secretKey: { key: Buffer } | { file: string } | { command: string } | null;
  /** What people type to reach the console, without a trailing slash; null: made from host and port. */
  consoleUrl: string | null;
  /** Whose X-Forwarded-For says where a request comes from. */
  trustedProxies: TrustedProxies;
  /** PEM files of the proxy's certificate and key; null: a self-signed one in the data directory. */
  proxyTls: { certPath: string; keyPath: string } | null;
  /** How clients are asked to prove themselves (proxy/identity/chooseMethod.ts). */
  proxySignIn: 'auto' | 'scram' | 'password';
  /** TLS and sign-in together. */
  proxySignInTimeoutMs: number;
  /** Clients that have not signed in, a worker; above it the oldest is dropped. */
  proxyMaxUnauthenticated: number;
  /** Whether clients that are not on loopback may sign in without TLS: their token then travels in the clear. */
  allowPlaintext: boolean;
  /** Where Slack's Web API is, with a slash at the end. */
  slackApiUrl: string;
  /** Whether the demo database, policy and agent are made. */
  demo: boolean;
}

/** The environment does not say something usable; each line names a setting and what to set. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** Other programs' settings with our prefix: the command line's, which share a shell with the server, the tests', and the secrets of upstreams. */
const NOT_OURS = /^GATEHOUSE_(URL|TOKEN|TEST_.*|UPSTREAM_.*|SECRETS_DIR)$/;

const port = (fallback: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number')
    .transform(Number)
    .refine((value) => value <= 65_535, 'must be at most 65535')
    .default(fallback);

const host = z
  .string()
  .regex(/^[A-Za-z0-9.:_-]+$/, 'must be an address or a host name')
  .default('127.0.0.1');

/** Bot tokens travel there. */
const isSafe = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname));

const environment = z.object({
  PORT: port(3000),
  HOST: host,
  PROXY_PORT: port(6432),
  PROXY_HOST: host,
  PROXY_WORKERS: z
    .string()
    .regex(/^([1-9]|[1-5]\d|6[0-4])$/, 'must be a number from 1 to 64')
    .transform(Number)
    .default(2),
  PROXY_TLS_CERT: z.string().optional(),
  PROXY_TLS_KEY: z.string().optional(),
  PROXY_SIGN_IN: z.enum(['auto', 'scram', 'password'], 'must be auto, scram or password').default('auto'),
  PROXY_SIGN_IN_TIMEOUT: z
    .string()
    .transform((text) => parseDuration(text) ?? 0)
    .refine((ms) => ms >= 1_000 && ms <= 600_000, 'must be a duration from 1s to 10m, e.g. 30s')
    .default(30_000),
  PROXY_MAX_UNAUTHENTICATED: z
    .string()
    .regex(/^[1-9]\d{0,4}$/, 'must be a number from 1 to 99999')
    .transform(Number)
    .default(500),
  GATEHOUSE_DATA_DIR: z.string().default('./.gatehouse'),
  GATEHOUSE_NODE: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be a name of letters, digits, dots, dashes and underscores, at most 63')
    .optional(),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/[^/]*\/.+/, 'must look like postgres://user:password@host:5432/gatehouse')
    .refine((value) => URL.canParse(value), 'is not a valid URL; characters such as @ and / in the password are written %40 and %2F')
    .optional(),
  GATEHOUSE_SECRET_KEY: z
    .string()
    .transform((value) => Buffer.from(value, 'base64'))
    .refine((value) => value.length === 32, 'must be 32 bytes in base64: openssl rand -base64 32')
    .optional(),
  GATEHOUSE_SECRET_KEY_FILE: z.string().optional(),
  GATEHOUSE_SECRET_KEY_COMMAND: z.string().optional(),
  // Whoever connects reads it again; here it is only looked at, so that a slip is heard of at the start.
  GATEHOUSE_SECRETS_HOSTS: z
    .string()
    .superRefine((text, context) => {
      const list = readHosts(text);
      if (!list.ok) context.addIssue({ code: 'custom', message: list.message });
    })
    .optional(),
  GATEHOUSE_SECRETS_HOSTS_FILE: z.string().optional(),
  CONSOLE_URL: z
    .string()
    .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), 'must be an http or https address')
    .refine(
      (value) => !URL.canParse(value) || new URL(value).origin === value.replace(/\/$/, ''),
      'must have no path, e.g. https://gatehouse.example.com',
    )
    .transform((value) => new URL(value).origin)
    .optional(),
  GATEHOUSE_TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((text, context) => {
      const proxies = parseProxies(text);
      if (proxies !== null) return proxies;
      context.addIssue({ code: 'custom', message: 'must be addresses or networks, e.g. 10.0.0.0/8,::1' });
      return z.NEVER;
    }),
  GATEHOUSE_ALLOW_PLAINTEXT: z.enum(['on', 'off'], 'must be on or off').default('off'),
  SLACK_API_URL: z
    .string()
    .refine((value) => URL.canParse(value) && isSafe(new URL(value)), 'must be an https address, or http on this machine')
    .transform((value) => value.replace(/\/*$/, '/'))
    .default(SLACK_API_URL),
  GATEHOUSE_DEMO: z.enum(['on', 'off'], 'must be on or off').optional(),
});

const KNOWN = new Set(Object.keys(environment.shape));

/**
 * Reads the environment. An empty value counts as unset. Values are never repeated in a message: some are secrets.
 * @throws ConfigError naming every setting that is unknown, unusable or contradicts another, and what to set
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const problems = Object.keys(given)
    .filter((name) => name.startsWith('GATEHOUSE_') && !KNOWN.has(name) && !NOT_OURS.test(name))
    .map((name) => `${name} is not a setting of Gatehouse; unset it (known: ${[...KNOWN].sort().join(', ')})`);
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    throw new ConfigError([...problems, ...parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)]);
  }
  problems.push(...contradictions(parsed.data));
  if (problems.length > 0) throw new ConfigError(problems);
  const { data } = parsed;
  return {
    port: data.PORT,
    host: data.HOST,
    proxyPort: data.PROXY_PORT,
    proxyHost: data.PROXY_HOST,
    workers: data.PROXY_WORKERS,
    dataDir: data.GATEHOUSE_DATA_DIR,
    node: data.GATEHOUSE_NODE ?? null,
    databaseUrl: data.DATABASE_URL ?? null,
    secretKey: secretKeyOf(data),
    consoleUrl: data.CONSOLE_URL ?? null,
    trustedProxies: data.GATEHOUSE_TRUSTED_PROXIES,
    proxyTls:
      data.PROXY_TLS_CERT === undefined || data.PROXY_TLS_KEY === undefined
        ? null
        : { certPath: data.PROXY_TLS_CERT, keyPath: data.PROXY_TLS_KEY },
    proxySignIn: data.PROXY_SIGN_IN,
    proxySignInTimeoutMs: data.PROXY_SIGN_IN_TIMEOUT,
    proxyMaxUnauthenticated: data.PROXY_MAX_UNAUTHENTICATED,
    allowPlaintext: data.GATEHOUSE_ALLOW_PLAINTEXT === 'on',
    slackApiUrl: data.SLACK_API_URL,
    demo: data.GATEHOUSE_DEMO === undefined ? data.DATABASE_URL === undefined : data.GATEHOUSE_DEMO === 'on',
  };
}

function secretKeyOf(data: z.output<typeof environment>): Config['secretKey'] {
  if (data.GATEHOUSE_SECRET_KEY !== undefined) return { key: data.GATEHOUSE_SECRET_KEY };
  if (data.GATEHOUSE_SECRET_KEY_FILE !== undefined) return { file: data.GATEHOUSE_SECRET_KEY_FILE };
  return data.GATEHOUSE_SECRET_KEY_COMMAND === undefined ? null : { command: data.GATEHOUSE_SECRET_KEY_COMMAND };
}

function contradictions(data: z.output<typeof environment>): string[] {
  const found: string[] = [];
  if (data.PORT === data.PROXY_PORT && data.PORT !== 0) found.push('PORT and PROXY_PORT are the same; set one of them to another port');
  if ((data.PROXY_TLS_CERT === undefined) !== (data.PROXY_TLS_KEY === undefined)) {
    found.push('PROXY_TLS_CERT and PROXY_TLS_KEY belong together; set both, or neither for a self-signed certificate');
  }
  const keys = [data.GATEHOUSE_SECRET_KEY, data.GATEHOUSE_SECRET_KEY_FILE, data.GATEHOUSE_SECRET_KEY_COMMAND];
  if (keys.filter((key) => key !== undefined).length > 1)
    found.push('GATEHOUSE_SECRET_KEY, GATEHOUSE_SECRET_KEY_FILE and GATEHOUSE_SECRET_KEY_COMMAND say the same thing; set one of them');
  if (data.GATEHOUSE_SECRETS_HOSTS !== undefined && data.GATEHOUSE_SECRETS_HOSTS_FILE !== undefined)
    found.push('GATEHOUSE_SECRETS_HOSTS and GATEHOUSE_SECRETS_HOSTS_FILE say the same thing; set one of them');
  if (data.DATABASE_URL !== undefined && secretKeyOf(data) === null) {
    found.push('DATABASE_URL is set, so GATEHOUSE_SECRET_KEY must be too, the same on every gateway: openssl rand -base64 32');
  }
  if (data.DATABASE_URL !== undefined && data.GATEHOUSE_DEMO === 'on') {
    found.push('GATEHOUSE_DEMO=on needs the embedded PostgreSQL; unset it, or unset DATABASE_URL');
  }
  return found;
}
