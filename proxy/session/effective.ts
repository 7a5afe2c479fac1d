import type { Action } from '../../db/schema/shapes';
import type { JudgedStatement, Judgement } from '../policy/judge';
import type { Verdict } from '../policy/types';
import { noSuchCursor, statementNotAnalyzed } from '../wire/errors';
import type { SessionNames } from './names';
import { readsAsBefore } from './rewritten';
import { UnknownName } from './unknownName';

const STRICTNESS: Record<Action, number> = { allow: 0, hold: 1, deny: 2 };

export const stricter = (a: Verdict, b: Verdict): Verdict => (STRICTNESS[b.action] > STRICTNESS[a.action] ? b : a);

/** Of two that hold for one run, the limits of both do. */
function withLimits(verdict: Verdict, ...both: readonly Verdict[]): Verdict {
  const limits = both.flatMap(({ affectedLimits }) => affectedLimits ?? []);
  return limits.length === 0 ? verdict : { ...verdict, affectedLimits: limits };
}

/** Preparing runs nothing: it neither waits for a person nor changes a row. */
function onlyPrepared({ affectedLimits: _, ...verdict }: Verdict): Verdict {
  return verdict.action === 'hold' ? { ...verdict, action: 'allow', approval: null } : verdict;
}

/** A judgement after the session's own names were looked up: what EXECUTE really runs, which cursors are known. */
export interface Effective extends Judgement {
  /** The texts behind the names it executes, as they stood when it was judged. */
  runs: readonly string[];
}

/** EXECUTE with what it executes: effects, calls and relations are those of both. */
function executing(statement: JudgedStatement, inner: JudgedStatement): JudgedStatement {
  const { facts } = statement;
  const explained = facts.commands.includes('EXPLAIN') && inner.touch.state !== 'clean';
  const verdict = withLimits(stricter(statement.verdict, inner.verdict), statement.verdict, inner.verdict);
  return {
    ...statement,
    facts: {
      ...facts,
      effects: new Set([...facts.effects, ...inner.facts.effects]),
      functions: [...facts.functions, ...inner.facts.functions],
      unboundedWrites: [...facts.unboundedWrites, ...inner.facts.unboundedWrites],
    },
    relations: inner.relations,
    executes: inner.facts.text,
    ...(inner.columns === undefined ? {} : { columns: inner.columns }),
    touch: statement.touch.state === 'clean' ? inner.touch : statement.touch,
    verdict: explained
      ? {
          ...verdict,
          action: 'deny',
          decidedBy: 'masking',
          why: 'EXPLAIN of a prepared statement that reads masked columns',
          approval: null,
        }
      : verdict,
    changesCatalog: statement.changesCatalog || inner.changesCatalog,
  };
}

/** FETCH shows the rows of the query that DECLARE named: whether that may run was settled there, how its columns leave is settled here. */
function fetching(
  statement: JudgedStatement,
  declared: JudgedStatement | undefined,
  name: string,
  context: EffectiveContext,
): JudgedStatement {
  if (declared === undefined) {
    if (context.cursorsMustBeKnown) throw noSuchCursor(name);
    return statement;
  }
  const [now] = context.judge(declared.facts.text).statements;
  if (!readsAsBefore(declared, now)) return stale(statement, 'declared');
  const touch = now?.touch ?? statement.touch;
  if (touch.state !== 'unresolved') return { ...statement, touch };
  return {
    ...statement,
    touch,
    verdict: { ...statement.verdict, action: 'deny', decidedBy: 'masking', why: touch.reason, approval: null },
  };
}

/** The server would run it with the masks of then. */
function stale(statement: JudgedStatement, made: 'prepared' | 'declared'): JudgedStatement {
  const why = `the masks it reads through have changed since it was ${made}`;
  const touch = { state: 'unresolved', reason: why, columns: [] } as const;
  return { ...statement, touch, verdict: { ...statement.verdict, action: 'deny', decidedBy: 'masking', why, approval: null } };
}

interface EffectiveContext {
  judge(text: string): Judgement;
  /** There are masks: a cursor that nobody has declared may show anything. */
  cursorsMustBeKnown: boolean;
}

/**
 * Follows SQL-level PREPARE, EXECUTE and FETCH through the session's names.
 * EXECUTE is judged as what it runs. PREPARE only parses, so what it prepares is held when it is executed, not here; a denial stands here too.
 * @throws UnknownName, or WireError 34000 for a cursor: the gateway cannot judge what it has not seen.
 */
export function effectiveOf(judgement: Judgement, names: SessionNames, context: EffectiveContext): Effective {
  const prepared = new Map<string, JudgedStatement>();
  const declared = new Map<string, JudgedStatement>();
  const runs: string[] = [];
  const statements = judgement.statements.map((statement): JudgedStatement => {
    const effect = statement.facts.session;
    if (effect === null) return statement;
    switch (effect.type) {
      case 'prepare':
        prepared.set(effect.name, statement);
        return { ...statement, verdict: onlyPrepared(statement.verdict) };
      case 'execute': {
        const known = names.statements.get(effect.name);
        const own = prepared.get(effect.name);
        const sql = own?.facts.text ?? known?.sql;
        if (sql === undefined) throw new UnknownName('statement', effect.name);
        const [inner] = context.judge(sql).statements;
        if (inner === undefined) return statement;
        // A Parse may name any statement. One that changes names or settings would do so behind the gateway's back.
        if (inner.facts.session !== null && inner.facts.session.type !== 'prepare' && !prepared.has(effect.name)) throw nested(inner);
        if (inner.facts.session?.type === 'prepare' && known?.bySql === false && !prepared.has(effect.name)) throw nested(inner);
        runs.push(sql);
        if (!readsAsBefore(own ?? known?.judgement.statements[0], inner)) return stale(statement, 'prepared');
        return executing(statement, inner);
      }
      case 'declare':
        declared.set(effect.name, statement);
        return statement;
      case 'fetch':
        // FETCH runs what the portal was bound to, and is judged as that; where there are masks its rows leave by Execute alone.
        if (names.portals.has(effect.name)) {
          const portal = names.portals.get(effect.name);
          const inner = portal?.judgement.statements[0];
          if (context.cursorsMustBeKnown || inner === undefined || portal?.unresolved === true) throw noSuchCursor(effect.name);
          return executing(statement, inner);
        }
        return fetching(statement, declared.get(effect.name) ?? names.cursors.get(effect.name), effect.name, context);
      case 'close':
      case 'deallocate':
      case 'discard':
      case 'notify':
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
  return { ...judgement, statements, action, runs };
}

const nested = (inner: JudgedStatement) => statementNotAnalyzed(`EXECUTE of a prepared ${inner.facts.kind} is not followed`);

/** What a reviewer has to see of an EXECUTE: the name alone says nothing. The added lines are comments, and part of what is approved. */
export function withPrepared(sql: string, runs: readonly string[]): string {
  const lines = runs.flatMap((text) => text.split(/\r\n|\r|\n/)).map((line) => `-- ${line}`);
  return lines.length === 0 ? sql : [sql, '-- which runs:', ...lines].join('\n');
}
