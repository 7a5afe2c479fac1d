/** `ignored`: the schedule itself says that this file may fail (it draws random numbers). */
export type Outcome = 'ok' | 'ignored' | 'failed' | 'not run';

/** By file, or by name of a libpq_pipeline test. */
export type Results = Map<string, Outcome>;

/** A result line of pg_regress; null for every other line. */
export function readResultLine(line: string): { name: string; outcome: Outcome; ms: number } | null {
  const match =
    /^(?:test | {5})(\S+)\s+\.\.\. (ok|FAILED|failed \(ignored\))(?: \(test process exited with exit code \d+\))?\s+(\d+) ms/.exec(line);
  if (match === null) return null;
  const [, name = '', word, ms] = match;
  return { name, outcome: word === 'ok' ? 'ok' : word === 'FAILED' ? 'failed' : 'ignored', ms: Number(ms) };
}

/** regression.diffs, cut by the file each part is about. */
export function splitDiffs(diffs: string): Map<string, string> {
  const parts = diffs.split(/^(?=diff -)/m).filter((part) => part.startsWith('diff -'));
  return new Map(parts.map((part) => [/([^/\s]+)\.out$/.exec(part.split('\n')[0] ?? '')?.[1] ?? 'unknown', part]));
}

/** The known differences that docs/conformance.md lists: name → reason. Rows of its tables that begin with a name in code style. */
export function readKnown(markdown: string): Map<string, string> {
  const rows = markdown.matchAll(/^\| `([^`]+)` \| (.+?) \|$/gm);
  return new Map([...rows].map((row) => [row[1] ?? '', row[2] ?? '']));
}

export interface Verdict {
  passed: string[];
  /** Passes direct, does not through the gateway, and no document says why. */
  failed: string[];
  /** As failed, but listed. */
  known: string[];
  /** Listed, but passes. */
  outdated: string[];
  /** Does not pass direct either: says nothing about the gateway. */
  neither: string[];
}

/** Compares the two runs; the gateway is measured by what passes without it. */
export function compare(direct: Results, through: Results, known: ReadonlyMap<string, string>): Verdict {
  const verdict: Verdict = { passed: [], failed: [], known: [], outdated: [], neither: [] };
  for (const [name, outcome] of direct) {
    if (passes(through.get(name))) {
      verdict.passed.push(name);
      if (known.has(name)) verdict.outdated.push(name);
    } else if (!passes(outcome)) verdict.neither.push(name);
    else if (known.has(name)) verdict.known.push(name);
    else verdict.failed.push(name);
  }
  return verdict;
}

export function passes(outcome: Outcome | undefined): boolean {
  return outcome === 'ok' || outcome === 'ignored';
}

/** One row a test, those that pass both ways last. */
export function table(direct: Results, through: Results, known: ReadonlyMap<string, string>): string[] {
  const names = [...direct.keys()];
  const width = Math.max(...names.map((name) => name.length));
  const row = (name: string, a: string, b: string, note: string) =>
    `${name.padEnd(width)}  ${a.padEnd(8)}  ${b.padEnd(8)}  ${note}`.trimEnd();
  const good = (name: string) => passes(direct.get(name)) && passes(through.get(name));
  const ordered = [...names.filter((name) => !good(name)), ...names.filter(good)];
  return [
    row('file', 'direct', 'through', ''),
    ...ordered.map((name) => row(name, direct.get(name) ?? 'not run', through.get(name) ?? 'not run', known.get(name) ?? '')),
  ];
}
