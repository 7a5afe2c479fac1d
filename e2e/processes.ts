import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export interface Process {
  pid: number;
  parent: number;
  command: string;
  /** Resident memory. */
  residentBytes: number;
}

/** Every process of this machine; one that ends while we look is left out. */
export function processes(): Process[] {
  if (!existsSync('/proc/self/stat')) return processesByPs();
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // The second field is the name in brackets and may hold anything.
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (state === 'Z') return [];
        const status = readFileSync(`/proc/${name}/status`, 'utf8');
        const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return [{ pid: Number(name), parent: Number(parent), command, residentBytes: kilobytes * 1024 }];
      } catch {
        return [];
      }
    });
}

/** Where there is no /proc. */
function processesByPs(): Process[] {
  return execFileSync('ps', ['-axo', 'pid=,ppid=,rss=,command='], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const [, pid, parent, kilobytes, command] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return pid === undefined
        ? []
        : [{ pid: Number(pid), parent: Number(parent), residentBytes: Number(kilobytes) * 1024, command: command ?? '' }];
    });
}

/** A process and everything below it. */
export function treeOf(pid: number): Process[] {
  const all = processes();
  const tree = all.filter((one) => one.pid === pid);
  for (const one of tree) tree.push(...all.filter((other) => other.parent === one.pid));
  return tree;
}

export function isAlive(pid: number): boolean {
  return processes().some((one) => one.pid === pid);
}
