import { z } from 'zod';
import { readKeys } from '../../db/secrets';
import type { SignInMode } from '../identity/chooseMethod';

/** What the supervisor gives a worker in its environment (server/boot). */
const schema = z.object({
  DATABASE_URL: z.string().min(1),
  GATEHOUSE_SECRET_KEY: z
    .string()
    .regex(/^[A-Za-z0-9+/=,]{44,}$/)
    .transform(readKeys),
  GATEHOUSE_DATA_DIR: z.string().min(1),
  GATEHOUSE_ID: z.string().startsWith('gw_'),
  GATEHOUSE_WORKER: z.string().regex(/^w\d+$/),
  PROXY_HOST: z.string().default('127.0.0.1'),
  PROXY_PORT: z.coerce.number().int().min(0).max(65_535),
  CONSOLE_URL: z.string(),
  PROXY_TLS_CERT: z.string().min(1),
  PROXY_TLS_KEY: z.string().min(1),
  PROXY_SIGN_IN: z.enum(['auto', 'scram', 'password']).default('auto'),
  PROXY_SIGN_IN_TIMEOUT_MS: z.coerce.number().int().positive().default(30_000),
  PROXY_MAX_UNAUTHENTICATED: z.coerce.number().int().positive().default(500),
  GATEHOUSE_ALLOW_PLAINTEXT: z.enum(['on', 'off']).default('off'),
});

export interface WorkerSettings {
  storeUrl: string;
  secretKey: Buffer;
  dataDir: string;
  gatewayId: string;
  workerId: string;
  host: string;
  port: number;
  consoleUrl: string;
  /** PEM files. */
  tls: { certPath: string; keyPath: string };
  signIn: SignInMode;
  signInTimeoutMs: number;
  /** Clients that have not signed in, of this worker. */
  maxUnauthenticated: number;
  /** Clients that are not on loopback may sign in without TLS. */
  allowPlaintext: boolean;
}

/** @throws with the names of the settings that are missing or wrong, never their values. */
export function readSettings(environment: NodeJS.ProcessEnv): WorkerSettings {
  const parsed = schema.safeParse(environment);
  if (!parsed.success) throw new Error(`proxy worker settings: ${parsed.error.issues.map((issue) => issue.path.join('.')).join(', ')}`);
  const env = parsed.data;
  return {
    storeUrl: env.DATABASE_URL,
    secretKey: env.GATEHOUSE_SECRET_KEY,
    dataDir: env.GATEHOUSE_DATA_DIR,
    gatewayId: env.GATEHOUSE_ID,
    workerId: env.GATEHOUSE_WORKER,
    host: env.PROXY_HOST,
    port: env.PROXY_PORT,
    consoleUrl: env.CONSOLE_URL,
    tls: { certPath: env.PROXY_TLS_CERT, keyPath: env.PROXY_TLS_KEY },
    signIn: env.PROXY_SIGN_IN,
    signInTimeoutMs: env.PROXY_SIGN_IN_TIMEOUT_MS,
    maxUnauthenticated: env.PROXY_MAX_UNAUTHENTICATED,
    allowPlaintext: env.GATEHOUSE_ALLOW_PLAINTEXT === 'on',
  };
}
