import type { TextFacts } from '../sql/types';

const COMMANDS: ReadonlySet<string> = new Set([
  ...['SET', 'RESET', 'SHOW', 'BEGIN', 'START TRANSACTION', 'COMMIT', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'ROLLBACK TO'],
  ...['SET TRANSACTION', 'SET CONSTRAINTS', 'DISCARD', 'DEALLOCATE', 'CLOSE', 'UNLISTEN'],
]);
const PROBES: ReadonlySet<string> = new Set([
  ...['version', 'current_database', 'current_schema', 'current_schemas', 'current_setting', 'set_config', 'pg_backend_pid'],
  ...['pg_is_in_recovery', 'current_user', 'session_user', 'now'],
]);

/**
 * What drivers and pools send to set up a session, open and end a transaction, or see that the server is there. It reaches no data, so
 * a connection that holds or denies by default still works. Settings have been checked before this is asked.
 */
export function isDriverSetup(facts: TextFacts): boolean {
  if (facts.relations.length > 0) return false;
  if (facts.commands.length > 0 && facts.commands.every((command) => COMMANDS.has(command))) return true;
  return facts.commands.every((command) => command === 'SELECT') && facts.functions.every((item) => PROBES.has(item.name));
}
