import { readdirSync, readFileSync } from 'node:fs';

/** CPU seconds that a PostgreSQL server's running processes have used; null where there is no /proc. */
export function serverCpuSeconds(postmaster: number): number | null {
  let ticks = 0;
  try {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const fields = statOf(pid);
      if (fields === null || (Number(pid) !== postmaster && Number(fields[1]) !== postmaster)) continue;
      ticks += Number(fields[11]) + Number(fields[12]);
    }
  } catch {
    return null;
  }
  // USER_HZ is 100 on every Linux that Node runs on.
  return ticks / 100;
}

/** proc(5): the fields of stat behind the command's name, from the state on. */
function statOf(pid: string): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
