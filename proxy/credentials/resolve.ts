import type { PasswordFrom } from '../../db/schema/shapes';
import { UpstreamError } from '../upstream/error';
import { createAws } from './aws';
import type { Credential, Environment } from './credential';
import { demandHost } from './hosts';
import { readEnvironment, readSecretFile } from './local';
import { rdsToken } from './rds';
import { createVault, type Vault } from './vault';

export interface CredentialTarget {
  host: string;
  port: number;
  username: string;
  passwordFrom: PasswordFrom;
}

export interface Credentials {
  /** @throws UpstreamError in words that name the reference and what to do, never a secret */
  get(target: CredentialTarget): Promise<Credential>;
  /** The upstream refused it: the next one is read anew. */
  forget(target: CredentialTarget, refused: Credential): void;
}

/** A gateway has hundreds of connections at most. */
const MOST = 1_000;

const keyOf = ({ host, port, username, passwordFrom }: CredentialTarget): string => JSON.stringify([host, port, username, passwordFrom]);

/** Resolves references to credentials; of any number of sessions that ask at once, one request goes out. */
export function createCredentials(env: Environment, now: () => number): Credentials {
  const kept = new Map<string, Promise<Credential>>();
  const settled = new Map<string, Credential>();
  let vault: Vault | undefined;
  const aws = createAws(env, now);
  const drop = (key: string) => {
    kept.delete(key);
    settled.delete(key);
  };

  const read = async (target: CredentialTarget): Promise<Credential> => {
    const { passwordFrom: from } = target;
    if ('env' in from) return { username: null, password: readEnvironment(from.env, env), freshUntilMs: 0 };
    if ('file' in from) return { username: null, password: await readSecretFile(from.file, env), freshUntilMs: 0 };
    if ('rds' in from) return rdsToken(target, from.rds.region, await aws.identity(from.rds.region), now());
    vault ??= createVault(env, now);
    return vault.read(from.vault);
  };

  return {
    async get(target) {
      await demandHost(target.passwordFrom, target, env);
      const key = keyOf(target);
      const known = settled.get(key);
      if (known !== undefined && known.freshUntilMs <= now()) drop(key);
      const running = kept.get(key);
      if (running !== undefined) return running;
      const reading = read(target);
      kept.set(key, reading);
      const oldest = kept.keys().next().value;
      if (kept.size > MOST && oldest !== undefined) drop(oldest);
      try {
        const credential = await reading;
        if (kept.get(key) === reading) settled.set(key, credential);
        return credential;
      } catch (error) {
        if (kept.get(key) === reading) drop(key);
        throw error instanceof UpstreamError ? error : new UpstreamError('the password of this connection cannot be read');
      }
    },
    forget(target, refused) {
      const key = keyOf(target);
      if (settled.get(key) === refused) drop(key);
    },
  };
}
