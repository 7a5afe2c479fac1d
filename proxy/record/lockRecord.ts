import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Lock, LockedError, takeLock } from '../../db/embedded/lock';
import { recordDirectory } from './segments';

const TRY_EVERY_MS = 100;

/**
 * Takes the record for this process alone. A recorder whose gateway was killed may be there for a moment yet, and two that append to one log
 * make it none.
 * @throws Error with words for the operator when another one still has it after `withinMs`
 */
export async function lockRecord(dataDir: string, withinMs: number): Promise<Lock> {
  const directory = recordDirectory(dataDir);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const until = performance.now() + withinMs; ; ) {
    try {
      return takeLock(join(directory, 'recorder.lock'));
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      if (performance.now() > until)
        throw new Error(`the record in ${directory} is still written by process ${error.pid}, of a gateway that is gone: end that process`);
    }
    await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
  }
}
