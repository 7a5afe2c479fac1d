import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const HERE = import.meta.dirname;

/** verb → where it is, of the verbs that a router imports. */
function importsOf(source: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, names = '', path = ''] of source.matchAll(/^import \{([^}]*)\} from '\.\.\/([^']+)';/gm))
    for (const name of names.split(',')) found.set(name.trim(), path);
  return found;
}

test('what moves a version that workers go by is answered when they do', () => {
  const wrong: string[] = [];
  let movers = 0;
  for (const file of readdirSync(HERE).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))) {
    const source = readFileSync(join(HERE, file), 'utf8');
    const verbs = importsOf(source);
    for (const [, name, procedure, verb = ''] of source.matchAll(/^ {2}(\w+): (\w+)[^\n]*?=>\s*(\w+)\(ctx\.call/gm)) {
      const path = verbs.get(verb);
      if (path === undefined) continue;
      const body = readFileSync(join(HERE, '..', `${path}.ts`), 'utf8').split(`function ${verb}(`)[1] ?? '';
      const moves = /\bmove(?:Policy|Access)Version\(/.test(body.split('\n}\n')[0] ?? '');
      if (moves) movers++;
      // The verb behind a whole document waits by itself, to say where it waited in vain.
      if (moves && procedure !== 'policyProcedure') wrong.push(`${file}: ${name}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(movers).toBeGreaterThan(12);
});
