import { open, realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { type Environment, unresolved } from './credential';

/** Only these, and only files of one directory: who edits connections must not be able to read the gateway's machine through them. */
export const ENVIRONMENT_PREFIX = 'GATEHOUSE_UPSTREAM_';
export const SECRETS_DIR = 'GATEHOUSE_SECRETS_DIR';

const MAX_FILE_BYTES = 65_536;

export function demandUpstreamName(name: string): void {
  if (!name.startsWith(ENVIRONMENT_PREFIX))
    throw unresolved(`the environment variable ${name} may not be read`, `only names that begin with ${ENVIRONMENT_PREFIX} may`);
}

/** Where files may be read. @throws UpstreamError when the operator named no directory */
export function secretsDir(path: string, env: Environment): string {
  const directory = env[SECRETS_DIR];
  if (directory) return directory;
  throw unresolved(`the file ${path} may not be read`, `set ${SECRETS_DIR} to the directory of such files where the gateway starts`);
}

export function readEnvironment(name: string, env: Environment): string {
  demandUpstreamName(name);
  const value = env[name];
  if (value === undefined || value === '')
    throw unresolved(`the environment variable ${name} is not set`, 'set it where the gateway starts');
  return value;
}

/** A trailing line end is not part of it. Links are followed, as Kubernetes makes them, but not out of the directory. */
export async function readSecretFile(path: string, env: Environment): Promise<string> {
  const directory = secretsDir(path, env);
  try {
    const root = await realpath(directory);
    const real = await realpath(resolve(root, path));
    const below = relative(root, real);
    if (below === '' || below === '..' || below.startsWith('../') || isAbsolute(below))
      throw unresolved(`the file ${path} may not be read`, `only files below ${SECRETS_DIR} may`);
    const file = await open(real);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_FILE_BYTES), 0, MAX_FILE_BYTES, 0);
      const text = buffer
        .subarray(0, bytesRead)
        .toString('utf8')
        .replace(/\r?\n$/, '');
      if (text === '') throw unresolved(`the file ${path} is empty`, 'write the password into it');
      return text;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error;
    throw unresolved(`the file ${path} cannot be read (${error.code})`, `check the path and who may read it`);
  }
}
