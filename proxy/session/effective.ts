import type { Action } from '../../db/schema/shapes';
import type { JudgedStatement, Judgement } from '../policy/judge';
import type { Verdict } from '../policy/types';
import { noSuchCursor, noSuchStatement } from '../wire/errors';
import type { SessionNames } from './names';

const STRICTNESS: Record<Action, number> = { allow: 0, hold: 1, deny: 2 };

export const stricter = (a: Verdict, b: Verdict): Verdict => (STRICTNESS[b.action] > STRICTNESS[a.action] ? b : a);

/** A judgement after the session's own names were looked up: what EXECUTE really runs, which cursors are known. */
export interface Effective {
  statements: readonly JudgedStatement[];
  action: Action;
}

/**
 * Follows SQL-level PREPARE, EXECUTE and FETCH through the session's names.
 * EXECUTE is judged as what it runs. PREPARE only parses, so what it prepares is held when it is executed, not here; a denial stands here too.
 * @throws WireError 26000 or 34000 for a name the session does not have: the gateway cannot judge what it has not seen.
 */
export function effectiveOf(
  judgement: Judgement,
  names: SessionNames,
  context: { judge(text: string): Judgement; cursorsMustBeKnown: boolean },
): Effective {
  const prepared = new Map<string, string>();
  const declared = new Set<string>();
  const statements = judgement.statements.map((statement): JudgedStatement => {
    const effect = statement.facts.session;
    if (effect === null) return statement;
    switch (effect.type) {
      case 'prepare':
        prepared.set(effect.name, statement.facts.text);
        return statement.verdict.action === 'hold'
          ? { ...statement, verdict: { ...statement.verdict, action: 'allow', approval: null } }
          : statement;
      case 'execute': {
        const sql = prepared.get(effect.name) ?? names.statements.get(effect.name)?.sql;
        if (sql === undefined) throw noSuchStatement(effect.name);
        const [inner] = context.judge(sql).statements;
        if (inner === undefined) return statement;
        return {
          ...statement,
          relations: inner.relations,
          touch: statement.touch.state === 'clean' ? inner.touch : statement.touch,
          verdict: stricter(statement.verdict, inner.verdict),
          changesCatalog: statement.changesCatalog || inner.changesCatalog,
        };
      }
      case 'declare':
        declared.add(effect.name);
        return statement;
      case 'fetch':
        if (context.cursorsMustBeKnown && !declared.has(effect.name) && !names.cursors.has(effect.name)) throw noSuchCursor(effect.name);
        return statement;
      case 'close':
      case 'deallocate':
      case 'discard':
      case 'set':
        return statement;
      default:
        effect satisfies never;
        return statement;
    }
  });
  const action = statements.reduce<Action>(
    (worst, { verdict }) => (STRICTNESS[verdict.action] > STRICTNESS[worst] ? verdict.action : worst),
    'allow',
  );
  return { statements, action };
}
