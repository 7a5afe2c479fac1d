import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { VaultReference } from '../../db/schema/shapes';
import { type Credential, type Environment, unresolved } from './credential';

export interface Vault {
  read(reference: VaultReference): Promise<Credential>;
}

const TIMEOUT_MS = 4_000;
const MAX_BYTES = 1_048_576;
/** KV secrets have no lease: a changed one is noticed this late, or when the upstream refuses the old one. */
const KV_FRESH_MS = 60_000;
const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** No timer of Node's is longer. */
const LONGEST_TIMER_MS = 0x7fffffff;

const answerSchema = z.object({
  lease_id: z.string().default(''),
  lease_duration: z.number().min(0).default(0),
  renewable: z.boolean().default(false),
  data: z.record(z.string(), z.unknown()).nullish(),
  auth: z.object({ client_token: z.string().min(1), lease_duration: z.number().min(0).default(0) }).nullish(),
});
type Answer = z.output<typeof answerSchema>;

/** Vault answered, and not with what was asked for. */
class Refused extends Error {
  constructor(readonly status: number) {
    super(`status ${status}`);
  }
}

/**
 * HashiCorp Vault by its HTTP API (developer.hashicorp.com/vault/api-docs): secrets of KV version 2, and the database engine, whose leases are
 * renewed for as long as Vault lets them, so that sessions keep the role they signed in with. Where Vault is and as whom the gateway asks is the
 * operator's to say, in Vault's own variables: a policy document must not be able to send the gateway's token somewhere else.
 */
export function createVault(env: Environment, now: () => number): Vault {
  let login: { token: string; untilMs: number } | null = null;

  const token = async (): Promise<string> => {
    if (login !== null && login.untilMs > now()) return login.token;
    login = await signIn(env, now());
    return login.token;
  };

  const ask = async (path: string, method: 'GET' | 'PUT', body?: unknown): Promise<Answer> => {
    for (let again = false; ; again = true) {
      try {
        return await request(env, path, { method, token: await token(), body });
      } catch (error) {
        // A token that ended or was revoked looks like one that may not: one more try with a new one tells.
        if (!(error instanceof Refused) || error.status !== 403 || again || login?.untilMs === Number.POSITIVE_INFINITY) throw error;
        login = null;
      }
    }
  };

  /** Half of what is left, again and again; who signed in before the lease ends keeps what the lease gives. */
  const renewLater = (leaseId: string, seconds: number) => {
    const timer = setTimeout(
      () =>
        void ask('sys/leases/renew', 'PUT', { lease_id: leaseId, increment: seconds }).then(
          (answer) => {
            if (answer.renewable && answer.lease_duration > 1) renewLater(leaseId, answer.lease_duration);
          },
          // The next session asks for a new one; what this one gave ends when Vault says.
          () => undefined,
        ),
      Math.min((seconds * 1_000) / 2, LONGEST_TIMER_MS),
    );
    timer.unref();
  };

  return {
    async read({ path, field }) {
      const what = `Vault’s ${path}`;
      let answer: Answer;
      try {
        answer = await ask(path, 'GET');
      } catch (error) {
        throw explain(error, what);
      }
      const { data, lease_id: leaseId, lease_duration: seconds, renewable } = answer;
      // KV version 2 has its secret one level deeper, beside its metadata.
      const inner = z.object({ data: z.record(z.string(), z.unknown()), metadata: z.record(z.string(), z.unknown()) }).safeParse(data);
      if (inner.success) return { username: null, password: textOf(inner.data.data, field, what), freshUntilMs: now() + KV_FRESH_MS };
      const password = textOf(data ?? {}, field, what);
      const username = data?.username;
      if (leaseId !== '' && renewable && seconds > 1) renewLater(leaseId, seconds);
      // A new session must have time to sign in before the lease ends.
      return {
        username: typeof username === 'string' ? username : null,
        password,
        freshUntilMs: now() + (leaseId === '' ? KV_FRESH_MS : (seconds * 1_000 * 2) / 3),
      };
    },
  };
}

function textOf(data: Readonly<Record<string, unknown>>, field: string, what: string): string {
  const value = data[field];
  if (typeof value !== 'string' || value === '') throw unresolved(`${what} has no field ${field}`, 'check path and field');
  return value;
}

/** By token, AppRole or Kubernetes; what is set decides. */
async function signIn(env: Environment, nowMs: number): Promise<{ token: string; untilMs: number }> {
  const file = async (path: string) => (await readFile(path, 'utf8')).trim();
  if (env.VAULT_TOKEN) return { token: env.VAULT_TOKEN, untilMs: Number.POSITIVE_INFINITY };
  // An agent writes it anew.
  if (env.VAULT_TOKEN_FILE) return { token: await file(env.VAULT_TOKEN_FILE), untilMs: nowMs + 10_000 };
  const role = env.VAULT_ROLE_ID;
  if (role) {
    const secret = env.VAULT_SECRET_ID_FILE ? await file(env.VAULT_SECRET_ID_FILE) : env.VAULT_SECRET_ID;
    return loggedIn(
      await request(env, 'auth/approle/login', { method: 'POST', body: { role_id: role, ...(secret ? { secret_id: secret } : {}) } }),
      nowMs,
    );
  }
  if (env.VAULT_KUBERNETES_ROLE) {
    const jwt = await file(env.VAULT_KUBERNETES_TOKEN_FILE || SERVICE_ACCOUNT_TOKEN);
    return loggedIn(await request(env, 'auth/kubernetes/login', { method: 'POST', body: { role: env.VAULT_KUBERNETES_ROLE, jwt } }), nowMs);
  }
  throw unresolved(
    'Vault is not told who asks',
    'set VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_ROLE_ID with VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE where the gateway starts',
  );
}

function loggedIn({ auth }: Answer, nowMs: number): { token: string; untilMs: number } {
  if (auth == null) throw new Refused(200);
  // Zero: it does not end.
  const seconds = auth.lease_duration === 0 ? 3_600 : auth.lease_duration;
  return { token: auth.client_token, untilMs: nowMs + (seconds * 1_000 * 2) / 3 };
}

async function request(env: Environment, path: string, options: { method: string; token?: string; body?: unknown }): Promise<Answer> {
  const address = env.VAULT_ADDR;
  if (!address || !URL.canParse(address))
    throw unresolved('where Vault is, is not known', 'set VAULT_ADDR where the gateway starts, e.g. https://vault.example.com:8200');
  const response = await fetch(`${address.replace(/\/+$/, '')}/v1/${path}`, {
    method: options.method,
    headers: {
      'x-vault-request': 'true',
      ...(options.token === undefined ? {} : { 'x-vault-token': options.token }),
      ...(env.VAULT_NAMESPACE ? { 'x-vault-namespace': env.VAULT_NAMESPACE } : {}),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    // A standby answers 307; its address is VAULT_ADDR's to know, and a token goes nowhere else.
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Refused(response.status);
  if (text.length > MAX_BYTES) throw new Refused(response.status);
  return answerSchema.parse(text === '' ? {} : JSON.parse(text));
}

const STATUS: Readonly<Record<number, [what: string, hint: string]>> = {
  400: ['was refused as a request', 'check the path, and the role the gateway signs in to Vault with'],
  403: ['may not be read', 'let the gateway’s Vault policy read it, and check that its token has not ended'],
  404: ['is not there', 'check the path: KV version 2 has /data/ in it, e.g. secret/data/shop'],
  429: ['cannot be read: this Vault is a standby', 'set VAULT_ADDR to the active one'],
  503: ['cannot be read: Vault is sealed', 'unseal it'],
};

function explain(error: unknown, what: string): unknown {
  if (error instanceof Refused) {
    const [words, hint] = STATUS[error.status] ?? [`cannot be read: Vault answered with status ${error.status}`, 'see Vault’s log'];
    return unresolved(`${what} ${words}`, hint);
  }
  if (error instanceof Error && error.name === 'UpstreamError') return error;
  const late = error instanceof Error && error.name === 'TimeoutError';
  return unresolved(
    `${what} cannot be read: Vault ${late ? `did not answer within ${TIMEOUT_MS / 1_000} s` : 'cannot be reached'}`,
    'check VAULT_ADDR',
  );
}
