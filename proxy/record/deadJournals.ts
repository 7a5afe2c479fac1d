import { existsSync, readdirSync } from 'node:fs';
import { journalDirectory } from '../journal/places';

/**
 * Whether a journal has lost its writer, told from its name `…-<start>-<process id>`: that process is gone, or has begun another journal since
 * (process ids come again, in containers at once).
 *
 * @param first before any worker of this run: whatever is there now is dead
 */
export function watchWriters(dataDir: string, first: boolean): (journal: string) => boolean {
  const root = journalDirectory(dataDir);
  const names = () => (existsSync(root) ? readdirSync(root) : []);
  const left = new Set(first ? names() : []);
  return (journal) => {
    if (left.has(journal)) return true;
    const pid = pidOf(journal);
    if (pid === null || !isRunning(pid)) return true;
    return names().some((other) => pidOf(other) === pid && startOf(other) > startOf(journal));
  };
}

const pidOf = (journal: string): number | null => {
  const pid = Number(/-(\d+)$/.exec(journal)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
};
const startOf = (journal: string): number => Number(/-(\d+)-\d+$/.exec(journal)?.[1] ?? 0);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
