import { OBJECT_WORDS } from './objects';
import { STATEMENTS } from './statements';
import { child, list, type SqlNode, text } from './tree';

/** PostgreSQL's other spellings of the same command. */
const SYNONYMS: readonly [RegExp, string][] = [
  [/^(CREATE|ALTER|DROP) (USER|GROUP)$/, '$1 ROLE'],
  [/^ANALYSE$/, 'ANALYZE'],
  [/^END$/, 'COMMIT'],
  [/^ABORT$/, 'ROLLBACK'],
  [/^SELECT FOR (SHARE|KEY SHARE|NO KEY UPDATE)$/, 'SELECT FOR UPDATE'],
  [/^DECLARE CURSOR$/, 'DECLARE'],
];

/** Words whose exact form depends on the statement; object words are added to the verbs below. */
const OTHER_WORDS = [
  ...['SELECT', 'SELECT INTO', 'SELECT FOR UPDATE', 'VALUES', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'COPY TO', 'COPY FROM', 'COPY FILE'],
  ...['COPY PROGRAM', 'GRANT', 'GRANT ROLE', 'REVOKE', 'REVOKE ROLE', 'SET', 'SET ROLE', 'SET SESSION AUTHORIZATION', 'SET TRANSACTION'],
  ...['RESET', 'FETCH', 'MOVE', 'VACUUM', 'ANALYZE', 'BEGIN', 'START TRANSACTION', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE'],
  ...[
    'ROLLBACK TO',
    'PREPARE TRANSACTION',
    'COMMIT PREPARED',
    'ROLLBACK PREPARED',
    'DROP OWNED',
    'ALTER COLUMN TYPE',
    'DROP EXPRESSION',
    'DROP IDENTITY',
  ],
  ...['CREATE FUNCTION', 'CREATE PROCEDURE', 'SET CONSTRAINTS', 'ALTER DEFAULT PRIVILEGES', 'ALTER SYSTEM', 'REASSIGN OWNED'],
];

function knownCommands(): ReadonlySet<string> {
  const known = new Set(OTHER_WORDS);
  for (const object of OBJECT_WORDS) for (const verb of ['CREATE', 'ALTER', 'DROP']) known.add(`${verb} ${object}`);
  for (const [tag, statement] of Object.entries(STATEMENTS)) for (const word of statement.words({ tag })) known.add(word);
  return known;
}

/** Every command word there is. */
export const KNOWN_COMMANDS: ReadonlySet<string> = knownCommands();

function canonical(pattern: string): string {
  const word = pattern.trim().replace(/\s+/g, ' ').toUpperCase();
  for (const [spelling, name] of SYNONYMS) if (spelling.test(word)) return word.replace(spelling, name);
  return word;
}

const covers = (pattern: string, command: string) => command === pattern || command.startsWith(`${pattern} `);

/**
 * Whether a pattern names one of the commands. A verb covers its objects: `DROP` covers `DROP TABLE`, `COPY` covers `COPY PROGRAM`.
 * `ALTER USER` and `ALTER ROLE` are one command. Case and spacing do not matter.
 */
export function matchesCommand(pattern: string, commands: readonly string[]): boolean {
  const wanted = canonical(pattern);
  return commands.some((command) => covers(wanted, command));
}

/** Whether a pattern can match any statement at all; a typo cannot. */
export function isKnownCommand(pattern: string): boolean {
  const wanted = canonical(pattern);
  for (const command of KNOWN_COMMANDS) if (covers(wanted, command)) return true;
  return false;
}

/** EXPLAIN that only plans: its statement does not run. `ANALYZE` may be bare or any spelling of true; when it is given twice, one true is enough. */
export function isPlainExplain(node: SqlNode): boolean {
  if (node.tag !== 'ExplainStmt') return false;
  const options = list(node, 'options').filter((option) => text(option, 'defname')?.toLowerCase() === 'analyze');
  return !options.some((option) => !isFalse(child(option, 'arg')));
}

function isFalse(value: SqlNode | null): boolean {
  if (value === null) return false;
  if (value.tag === 'Integer') return (value.ival ?? 0) === 0;
  if (value.tag === 'Boolean') return value.boolval !== true;
  return ['false', 'off', '0', 'no'].includes((text(value, 'sval') ?? '').toLowerCase());
}
