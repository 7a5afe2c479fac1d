import { isPlainExplain } from './commands';
import { fingerprintOf, guardDepth, type ParsedStatement } from './parse';
import { relationsOf } from './relations';
import { qualifiedName, sessionEffectOf } from './session';
import { STATEMENTS } from './statements';
import { list, type SqlNode, walk } from './tree';
import type { Effect, FunctionName, TextFacts } from './types';

/** What one statement is, from its tree alone. Pure. Throws SqlTooComplexError when the tree is too deep to walk. */
export function factsOf(parsed: ParsedStatement): TextFacts {
  return guardDepth(() => {
    const { commands, effects, unknown } = commandsOf(parsed.node);
    const missing = [...parsed.unknown, ...unknown];
    return {
      kind: mostTelling(parsed.node, commands),
      commands,
      effects,
      relations: relationsOf(parsed.node),
      functions: functionsOf(parsed.node),
      fingerprint: fingerprintOf(parsed.text),
      complete: missing.length === 0,
      unknown: missing,
      text: parsed.text,
      session: sessionEffectOf(parsed.node),
    };
  });
}

/** Nodes below which a SET is a clause of that statement (ALTER ROLE … SET), not a SET of this session. */
const CARRIES_SETTING: ReadonlySet<string> = new Set([
  'AlterRoleSetStmt',
  'AlterDatabaseSetStmt',
  'AlterSystemStmt',
  'CreateFunctionStmt',
  'AlterFunctionStmt',
]);

function commandsOf(root: SqlNode): { commands: string[]; effects: ReadonlySet<Effect>; unknown: string[] } {
  const commands = new Set<string>();
  const effects = new Set<Effect>();
  const unknown = new Set<string>();
  const collect = (node: SqlNode, carriesSetting: boolean, runs: boolean): void => {
    const inSetting = carriesSetting || CARRIES_SETTING.has(node.tag);
    walk(node, (item) => {
      if (item !== node && (CARRIES_SETTING.has(item.tag) || isPlainExplain(item))) {
        collect(item, inSetting, runs);
        return false;
      }
      const statement = STATEMENTS[item.tag];
      if (statement === undefined) {
        if (item.tag.endsWith('Stmt')) unknown.add(item.tag);
        return true;
      }
      if (item.tag === 'VariableSetStmt' && inSetting) return false;
      const words = statement.words(item);
      if (item !== root && words[0] === 'VALUES') return true;
      if (runs) for (const word of words) commands.add(word);
      if (runs) for (const effect of statement.effects(item)) effects.add(effect);
      if (!isPlainExplain(item)) return true;
      for (const name of unknownStatements(item)) unknown.add(name);
      return false;
    });
  };
  collect(root, false, true);
  return { commands: [...commands], effects, unknown: [...unknown] };
}

function unknownStatements(root: SqlNode): string[] {
  const unknown: string[] = [];
  walk(root, (node) => {
    if (node.tag.endsWith('Stmt') && STATEMENTS[node.tag] === undefined) unknown.push(node.tag);
  });
  return unknown;
}

const WRAPPERS: ReadonlySet<string> = new Set(['SELECT', 'VALUES', 'EXPLAIN', 'PREPARE', 'DECLARE', 'COPY TO']);
const WRITES = ['DELETE', 'MERGE', 'UPDATE', 'INSERT'];

/** The word for the list of statements: what a wrapper or a CTE hides is more telling than the wrapper. */
function mostTelling(root: SqlNode, commands: readonly string[]): string {
  const first = commands[0] ?? 'SELECT';
  if (root.tag === 'InsertStmt' || !WRAPPERS.has(first)) return first;
  return WRITES.find((word) => commands.includes(word)) ?? first;
}

/** The functions a tree calls, each name once. */
export function functionsOf(root: SqlNode): FunctionName[] {
  const found = new Map<string, FunctionName>();
  walk(root, (node) => {
    if (node.tag !== 'FuncCall') return;
    const name = qualifiedName(list(node, 'funcname'));
    found.set(`${name.schema ?? ''}.${name.name}`, name);
  });
  return [...found.values()];
}
