import { open } from 'node:fs/promises';
import type { Publication, Witness } from './witness';
import { WitnessError } from './witness';

/** Enough to see what the file ends with. */
const TAIL_BYTES = 8_192;

/**
 * A file that is only ever appended to: on another machine's disk, or under `chattr +a`. Each note is followed by an empty line and synced
 * before it counts.
 */
export function fileWitness(path: string): Witness {
  return {
    name: `file ${path}`,
    async publish({ checkpoint }: Publication) {
      const file = await open(path, 'a+', 0o644).catch((error: NodeJS.ErrnoException) => {
        // The folder is not made: where a volume is not mounted, the file would be written beside it.
        throw new WitnessError(`${path} cannot be opened (${error.code ?? 'unknown'})`);
      });
      try {
        const { size } = await file.stat();
        const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
        await file.read(tail, 0, tail.length, size - tail.length);
        // Published before a restart, or before an answer was lost.
        if (tail.toString('utf8').endsWith(`${checkpoint.source}\n`)) return [];
        // What a crash cut short is left as it is, and parted from what follows.
        const isCut = tail.length > 0 && !tail.toString('utf8').endsWith('\n\n');
        await file.appendFile(`${isCut ? '\n\n' : ''}${checkpoint.source}\n`);
        await file.sync();
        return [];
      } catch (error) {
        throw new WitnessError(`${path} cannot be written (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'})`);
      } finally {
        await file.close();
      }
    },
  };
}
