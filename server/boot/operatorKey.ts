import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keptSecret, writePrivately } from '../../db/embedded/cluster';
import type { Config } from '../config';

const COMMAND_WITHIN_MS = 20_000;

export interface FoundKey {
  key: Buffer;
  /** Replaces it where the gateway keeps it itself; null: an operator does. */
  replace: ((key: Buffer) => void) | null;
}

/**
 * The operator's key: from the environment, from a file, from a command that asks a key service (`vault kv get`, `aws kms decrypt`, `gcloud
 * secrets versions access`), or made on the first start and kept beside the data.
 * @throws in words that name the setting and never the key
 */
export async function readOperatorKey(dataDir: string, given: Config['secretKey']): Promise<FoundKey> {
  if (given === null) {
    const path = join(dataDir, 'secret-key');
    const text = keptSecret(path, () => randomBytes(32).toString('base64'));
    return {
      key: decode(text, `${path} does not hold 32 bytes in base64; restore it, or stored credentials stay sealed`),
      replace: (key) => writePrivately(path, key.toString('base64')),
    };
  }
  if ('key' in given) return { key: given.key, replace: null };
  if ('file' in given) {
    const text = await readFile(given.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new Error(`GATEHOUSE_SECRET_KEY_FILE cannot be read: ${error.code ?? 'unknown error'} at ${given.file}`);
    });
    return { key: decode(text, 'GATEHOUSE_SECRET_KEY_FILE must hold 32 bytes in base64: openssl rand -base64 32'), replace: null };
  }
  return {
    key: decode(await printedBy(given.command), 'GATEHOUSE_SECRET_KEY_COMMAND must print 32 bytes in base64 and nothing else'),
    replace: null,
  };
}

function decode(text: string, otherwise: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== 32) throw new Error(otherwise);
  return key;
}

async function printedBy(command: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { timeout: COMMAND_WITHIN_MS, maxBuffer: 65_536 });
    return stdout;
  } catch (error) {
    const { code, killed, stderr } = error as { code?: unknown; killed?: boolean; stderr?: string };
    // Its own words are the operator's to read; what it printed may be a key.
    const said = (stderr ?? '').trim().split('\n').at(-1)?.slice(0, 300) ?? '';
    const how = killed === true ? `gave no key within ${COMMAND_WITHIN_MS / 1_000} s` : `failed (${String(code)})`;
    throw new Error(`GATEHOUSE_SECRET_KEY_COMMAND ${how}${said === '' ? '' : `: ${said}`}`);
  }
}
