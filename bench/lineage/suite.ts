import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ParsedStatement, parseStatements } from '../../proxy/sql/parse';

export interface SuiteStatement {
  parsed: ParsedStatement;
  /** The file's name, without its ending. */
  file: string;
}

/** Every statement of the regression suite's files that the grammar takes, in their order, each text once a file. */
export function* statementsIn(folder: string): Generator<SuiteStatement> {
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.sql'))) {
    const seen = new Set<string>();
    // What psql does itself is left out: its commands, and texts with its variables do not parse.
    const text = readFileSync(join(folder, name), 'latin1')
      .replaceAll(/^\\.*$/gm, ';')
      .replaceAll(/\\g\w*.*$/gm, ';');
    for (const part of text.split(/;[ \t]*(?:--.*)?$/m)) {
      if (seen.has(part)) continue;
      seen.add(part);
      let statements: readonly ParsedStatement[] = [];
      try {
        statements = parseStatements(part);
      } catch {
        // No SQL by itself, as the suite means it to be.
      }
      for (const parsed of statements) if (parsed.unknown.length === 0) yield { parsed, file: name.replace(/\.sql$/, '') };
    }
  }
}
