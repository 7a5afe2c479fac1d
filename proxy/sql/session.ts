import { child, flag, list, names, type SqlNode, text } from './tree';
import type { SessionEffect } from './types';

/** What a statement does to the session's own state; null for statements that leave it alone. */
export function sessionEffectOf(node: SqlNode): SessionEffect | null {
  switch (node.tag) {
    case 'PrepareStmt':
      return { type: 'prepare', name: text(node, 'name') ?? '' };
    case 'ExecuteStmt':
      return { type: 'execute', name: text(node, 'name') ?? '' };
    case 'ExplainStmt':
    case 'CreateTableAsStmt': {
      // EXPLAIN CREATE TABLE … AS EXECUTE nests both.
      const query = child(node, 'query');
      const inner = query === null ? null : sessionEffectOf(query);
      return inner?.type === 'execute' ? inner : null;
    }
    case 'DeallocateStmt':
      return { type: 'deallocate', name: flag(node, 'isall') ? null : text(node, 'name') };
    case 'DeclareCursorStmt':
      return { type: 'declare', name: text(node, 'portalname') ?? '' };
    case 'FetchStmt':
      return { type: 'fetch', name: text(node, 'portalname') ?? '' };
    case 'ClosePortalStmt':
      return { type: 'close', name: text(node, 'portalname') };
    case 'NotifyStmt':
      return { type: 'notify', channel: text(node, 'conditionname') ?? '', payload: text(node, 'payload') ?? '' };
    case 'DiscardStmt':
      return { type: 'discard', target: discardTarget(text(node, 'target')) };
    case 'VariableSetStmt':
      return { type: 'set', name: (text(node, 'name') ?? 'all').toLowerCase(), value: settingValue(node) };
    default:
      return null;
  }
}

function discardTarget(target: string | null): 'all' | 'plans' | 'temp' | 'sequences' {
  switch (target) {
    case 'DISCARD_PLANS':
      return 'plans';
    case 'DISCARD_TEMP':
      return 'temp';
    case 'DISCARD_SEQUENCES':
      return 'sequences';
    default:
      return 'all';
  }
}

/** The value a SET gives, list items joined by commas; null for DEFAULT, RESET and FROM CURRENT. */
export function settingValue(node: SqlNode): string | null {
  if (text(node, 'kind') !== 'VAR_SET_VALUE') return null;
  return list(node, 'args')
    .map((argument) => constantText(argument) ?? '')
    .join(', ');
}

/** The text of a constant as PostgreSQL would print it, through casts; null when the node is not a constant. */
export function constantText(node: SqlNode | null): string | null {
  if (node === null) return null;
  if (node.tag === 'TypeCast') return constantText(child(node, 'arg'));
  if (node.tag === 'List' || node.tag !== 'A_Const') return null;
  const integer = child(node, 'ival');
  if (integer !== null) return String(integer.ival ?? 0);
  const boolean = child(node, 'boolval');
  if (boolean !== null) return boolean.boolval === true ? 'true' : 'false';
  return text(child(node, 'sval'), 'sval') ?? text(child(node, 'fval'), 'fval') ?? (child(node, 'sval') === null ? null : '');
}

/** The name of a function call, operator or type: schema if given, and the bare name. */
export function qualifiedName(nodes: readonly SqlNode[]): { schema: string | null; name: string } {
  const path = names(nodes);
  return { schema: path.length > 1 ? (path.at(-2) ?? null) : null, name: path.at(-1) ?? '' };
}
