/** What a program said in each of its steps, in the order of the steps. */
export type Said = Map<string, string[]>;

/** Reads "step | what" lines. The last one, "end | n", says how many were before it; without it the program stopped half-way. */
export function readSaid(lines: string[]): Said {
  const said: Said = new Map();
  for (const [i, line] of lines.entries()) {
    const [, step, what] = /^([^|]+) \| ?(.*)$/.exec(line) ?? [];
    if (step === undefined || what === undefined) throw new Error(`no line of a step: ${line}`);
    if (step === 'end') {
      if (Number(what) !== i || i !== lines.length - 1)
        throw new Error(`the end says ${what} lines and is line ${i + 1} of ${lines.length}`);
      return said;
    }
    said.set(step, [...(said.get(step) ?? []), what]);
  }
  throw new Error(`it stopped after: ${lines.at(-1) ?? 'nothing'}`);
}

/** psql prints as it does; its script heads each step with "== step" and ends with "== end". */
export function linesOfPsql(output: string): string[] {
  let step = 'before the first step';
  const lines: string[] = [];
  for (const line of output.trimEnd().split('\n')) {
    if (line.startsWith('== ')) step = line.slice(3);
    else lines.push(`${step} | ${line.replaceAll('\r', '\\r')}`);
  }
  return step === 'end' ? [...lines, `end | ${lines.length}`] : lines;
}

/**
 * Two runs of one step without what is rightly different, and nothing else:
 * - numbers of temporary schemas and of server processes, which are another session's;
 * - where in the source an error was raised, when the same error came from the gateway, which reads a text before the server does, or from
 *   the server for a Describe of the unknown statement that the gateway sends to have the server say so.
 */
export function comparable(direct: string[], through: string[]): { direct: string[]; through: string[] } {
  const [mine, theirs] = [through.map(withoutNumbers), direct.map(withoutNumbers)];
  const raisedHere = mine.map((line) => OUR_SOURCE.test(line));
  return {
    direct: theirs.map((line, i) => (raisedHere[i] ? line.replace(ANY_SOURCE, '') : line)),
    through: mine.map((line) => line.replace(OUR_SOURCE, '')),
  };
}

const ANY_SOURCE = / at \S+:\d+ \w+$/;
const OUR_SOURCE = / at (?:gatehouse:\S* gatehouse_\w+|postgres\.c:\d+ exec_describe_statement_message)$/;

function withoutNumbers(line: string): string {
  return line.replace(/\bpg_(toast_)?temp_\d+\b/g, 'pg_$1temp_N').replace(/(from server process with PID) \d+/, '$1 N');
}
